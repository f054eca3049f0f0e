"""The results of one run: tries from Airflow, containers from ECS, and logs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

Key = tuple[str, str, int, int]
"""DAG, task, map index, try number."""

TAG = "airflow-fargate:"


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
    """One ECS task, from the local cloud."""

    arn: str
    key: Key
    last_status: str
    exit_code: int | None
    stop_code: str
    stopped_reason: str
    log: str


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
        containers: every ECS task.
        texts: every text that must contain no token, by a name for people.
        events: the recorded task state changes.
        queue_depths: messages left in the executor's queue and its dead-letter queue.
        event_log: the event log's entries about each try.
        handovers: the tasks that ran when the scheduler was killed.
        secrets: other values that no text may contain.
        inventory: the resources left in the account after destroy; None if it was not destroyed.
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
    secrets: tuple[str, ...] = ()

    def with_inventory(self, inventory: dict[str, Any]) -> Evidence:
        """Return a copy with the account's inventory after destroy."""
        return replace(self, inventory=inventory)


def parse_time(text: str | None) -> datetime | None:
    """Parse an ISO time; return None for None."""
    return None if not text else datetime.fromisoformat(text.replace("Z", "+00:00"))


def key_of_tags(tags: dict[str, str]) -> Key:
    """Return the try of a container, from the tags that the executor gave it."""
    return (
        tags.get(f"{TAG}dag-id", "?"),
        tags.get(f"{TAG}task-id", "?"),
        int(tags.get(f"{TAG}map-index", "-1")),
        int(tags.get(f"{TAG}try-number", "0")),
    )


def parse_containers(described: list[dict[str, Any]], streams: dict[str, list[str]]) -> tuple[Container, ...]:
    """Return containers from DescribeTasks, each with the lines of its log stream."""
    containers = []
    for task in described:
        identity = task["taskArn"].rpartition("/")[2]
        log = "\n".join(line for name, lines in streams.items() if name.endswith(identity) for line in lines)
        first = (task.get("containers") or [{}])[0]
        containers.append(
            Container(
                arn=task["taskArn"],
                key=key_of_tags({tag["key"]: tag["value"] for tag in task.get("tags", [])}),
                last_status=task["lastStatus"],
                exit_code=first.get("exitCode"),
                stop_code=task.get("stopCode", ""),
                stopped_reason=task.get("stoppedReason", ""),
                log=log,
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
