"""The results of one run: tries from Airflow, containers from ECS, and logs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from smoke.expectations import OWN_AIRFLOW, READY, Expectations, Key

TAG = "airflow-fargate:"
NOBODY: Key = ("?", "?", -1, 0)
"""What stands in place of the try of a container that has none."""


@dataclass(frozen=True)
class Try:
    """One try, from Airflow's API; a time is None if Airflow has none."""

    key: Key
    state: str
    queued: datetime | None
    started: datetime | None
    ended: datetime | None
    log: str


@dataclass(frozen=True)
class Container:
    """One ECS task, from the local cloud.

    Args:
        standby: whether it was started as a standby.
        created: when RunTask was called.
        first_line: when a task that waits to be disturbed wrote its first line.
    """

    arn: str
    key: Key
    last_status: str
    exit_code: int | None
    stop_code: str
    stopped_reason: str
    log: str
    standby: bool = False
    created: datetime | None = None
    first_line: datetime | None = None

    @property
    def is_idle_standby(self) -> bool:
        """Whether it is a standby that has no task."""
        return self.standby and self.key == NOBODY


@dataclass(frozen=True)
class Handover:
    """A task instance that ran when its scheduler was killed.

    Args:
        name: DAG, task and map index.
        taken_over: whether the new scheduler adopted it before it ended.
        ended: whether it ended before that.
    """

    name: str
    taken_over: bool
    ended: bool


@dataclass(frozen=True)
class Evidence:
    """Everything that the checks look at.

    Args:
        run_states: final state of each DAG run.
        final_states: final state of each task instance, by DAG, task and map index.
        tries: every try.
        containers: every ECS task but idle standbys.
        texts: every text that must contain no token, by a name for people.
        events: the recorded task state changes.
        queue_depths: messages left in the executor's queue and its dead-letter queue.
        event_log: the event log's entries about each try.
        handovers: the tasks that ran when the scheduler was killed.
        expected: what the runs should have come to.
        secrets: other values that no text may contain.
        inventory: the resources left in the account after destroy; None if it was not destroyed.
        has_standbys: whether the Airflow release can have standby containers.
        fails_killed_tasks_itself: whether the release fails a task that was killed by zombie detection.
        idle: the standbys without a task, when the DAG runs were over.
        ended: the same when the deployment was destroyed.
        scheduler_killed: when the scheduler had been killed.
    """

    run_states: dict[str, str]
    final_states: dict[tuple[str, str, int], str]
    tries: tuple[Try, ...]
    containers: tuple[Container, ...]
    texts: dict[str, str]
    events: tuple[dict[str, Any], ...]
    queue_depths: dict[str, int]
    event_log: dict[Key, tuple[str, ...]]
    handovers: tuple[Handover, ...]
    inventory: dict[str, Any] | None
    expected: Expectations = OWN_AIRFLOW
    secrets: tuple[str, ...] = ()
    has_standbys: bool = False
    fails_killed_tasks_itself: bool = False
    idle: tuple[Container, ...] = ()
    ended: tuple[Container, ...] = ()
    scheduler_killed: datetime | None = None

    def with_inventory(self, inventory: dict[str, Any]) -> Evidence:
        """Return a copy with the account's inventory after destroy."""
        return replace(self, inventory=inventory)

    def with_ended(self, ended: tuple[Container, ...]) -> Evidence:
        """Return a copy with the standbys that were stopped before destroy."""
        return replace(self, ended=ended)


def parse_time(text: str | None) -> datetime | None:
    """Parse an ISO time; return None for None."""
    return None if not text else datetime.fromisoformat(text.replace("Z", "+00:00"))


def tags_of(task: dict[str, Any]) -> dict[str, str]:
    """Return an ECS task's tags."""
    return {tag["key"]: tag["value"] for tag in task.get("tags", [])}


def key_of_tags(tags: dict[str, str]) -> Key:
    """Return the try of a container, from the tags that the executor gave it."""
    return (
        tags.get(f"{TAG}dag-id", NOBODY[0]),
        tags.get(f"{TAG}task-id", NOBODY[1]),
        int(tags.get(f"{TAG}map-index", NOBODY[2])),
        int(tags.get(f"{TAG}try-number", NOBODY[3])),
    )


def parse_containers(
    described: list[dict[str, Any]], streams: dict[str, list[tuple[int, str]]]
) -> tuple[Container, ...]:
    """Return containers from DescribeTasks.

    Args:
        described: ECS tasks with their tags.
        streams: CloudWatch's lines by log stream, each with its time in milliseconds.
    """
    containers = []
    for task in described:
        identity, tags = task["taskArn"].rpartition("/")[2], tags_of(task)
        lines = [line for name, found in streams.items() if name.endswith(identity) for line in found]
        ready = next((at for at, line in lines if READY in line), None)
        first = (task.get("containers") or [{}])[0]
        containers.append(
            Container(
                arn=task["taskArn"],
                key=key_of_tags(tags),
                last_status=task["lastStatus"],
                exit_code=first.get("exitCode"),
                stop_code=task.get("stopCode", ""),
                stopped_reason=task.get("stoppedReason", ""),
                log="\n".join(line for _, line in lines),
                standby=f"{TAG}standby" in tags,
                created=parse_time(task.get("createdAt")),
                first_line=None if ready is None else datetime.fromtimestamp(ready / 1000, timezone.utc),
            )
        )
    return tuple(containers)


def parse_try(dag_id: str, one: dict[str, Any], log: str) -> Try:
    """Return a try from Airflow's API."""
    return Try(
        key=(dag_id, one["task_id"], int(one["map_index"]), int(one["try_number"])),
        state=str(one["state"]),
        queued=parse_time(one["queued_when"]),
        started=parse_time(one["start_date"]),
        ended=parse_time(one["end_date"]),
        log=log,
    )


def parse_event_log(entries: list[dict[str, Any]]) -> dict[Key, tuple[str, ...]]:
    """Return the event log's entries by try, without entries that name no try."""
    event_log: dict[Key, tuple[str, ...]] = {}
    for entry in entries:
        if entry["task_id"] and entry["try_number"] is not None:
            map_index = -1 if entry["map_index"] is None else int(entry["map_index"])
            key = (str(entry["dag_id"]), str(entry["task_id"]), map_index, int(entry["try_number"]))
            event_log[key] = (*event_log.get(key, ()), f"{entry['event']}: {entry['extra'] or ''}")
    return event_log


def as_text(value: object) -> str:
    """Return a JSON value as one searchable text."""
    return json.dumps(value, default=str)
