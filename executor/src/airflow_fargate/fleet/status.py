"""What only the scheduler's process knows, written to the payload bucket for the page in Airflow.

The scheduler's thread hands over what it sees, in microseconds and without I/O. If there is a payload bucket,
a thread of its own writes a small object every ten seconds, and less often while there is no task. If that
fails, the page says how old its figures are, and nothing else depends on it.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_fargate import metrics
from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.aws.ecs_task import EcsTask
    from airflow_fargate.clock import Clock
    from airflow_fargate.fleet.fleet import Fleet
    from airflow_fargate.tasks.verdict import Diagnosis

FORMAT = 1
"""Of the object. The page ignores others, as there are during an upgrade."""
WRITE_SECONDS = 10.0
IDLE_SECONDS = 40.0
"""Between two writes while there are no tasks. A PutObject every ten seconds costs over a dollar a month."""
MOST_CONTAINERS = 1000
"""Containers whose size and capacity are written: the latest ones, about 150 bytes each."""
MOST_FAILURES = 20
_LONGEST_SENTENCE = 1000
_RATE_SECONDS = 60.0
_COUNTED = (metrics.LAUNCHES, metrics.THROTTLES, metrics.CAPACITY_REFUSALS, metrics.LAUNCH_ERRORS)
_STANDBYS = {
    metrics.STANDBYS_IDLE: "idle",
    metrics.STANDBYS_STARTING: "starting",
    metrics.STANDBYS_TARGET: "target",
}
_KEY = ("dag_id", "task_id", "run_id", "map_index", "try_number")


class Scheduler(NamedTuple):
    """Who writes a status.

    Args:
        name: unique among the schedulers that share the bucket.
        team: whose executor it is; empty without teams.
    """

    name: str
    team: str = ""


THE_SCHEDULER = Scheduler("scheduler")
"""The default, for tests and for programs with one scheduler."""


class Status:
    """The status of one scheduler.

    Args:
        fleet: what it is about.
        clients: returns the S3 client.
        clock: monotonic and wall-clock time.
        scheduler: who writes it.
    """

    def __init__(self, fleet: Fleet, clients: ClientSource, clock: Clock, scheduler: Scheduler) -> None:
        self._fleet, self._clients, self._clock, self._scheduler = fleet, clients, clock, scheduler
        self._began_at, self._written_at = clock.time(), clock.monotonic()
        self._containers: dict[str, dict[str, Any]] = {}
        self._failures: deque[dict[str, Any]] = deque(maxlen=MOST_FAILURES)
        self._launches: deque[tuple[float, int]] = deque([(self._written_at, 0)])
        self._had_tasks = True  # so that the first status comes soon

    # --- on the scheduler's thread -------------------------------------------------------------------------

    def seen(self, task: EcsTask, *, ended: bool) -> None:
        """Note a container's size and capacity, or forget one that ended."""
        if ended:
            self._containers.pop(task.arn, None)
            return
        since = task.at("pullStartedAt") or task.at("startedAt")
        if not task.cpu or (since is None and task.arn in self._containers):
            return
        self._containers[task.arn] = {
            "launch_id": task.started_by.rpartition("/")[2],
            "cpu": task.cpu,
            "memory": task.memory,
            "storage": task.storage,
            "capacity": task.capacity_provider,
            "architecture": task.architecture,
            "since": since,
        }
        if len(self._containers) > MOST_CONTAINERS:
            del self._containers[next(iter(self._containers))]

    def failed(self, key: Hashable, diagnosis: Diagnosis) -> None:
        """Note why a container failed; ``key`` is Airflow's."""
        names = {name: getattr(key, name, None) for name in _KEY}
        self._failures.append(
            (names if names["dag_id"] else {"task_id": str(key)})
            | {
                "at": self._clock.time(),
                "arn": diagnosis.arn,
                "why": clean(f"{diagnosis.summary} {diagnosis.hint}".strip(), _LONGEST_SENTENCE),
                "reason": clean(diagnosis.reason, _LONGEST_SENTENCE),
                "log": diagnosis.log_link,
            }
        )

    # --- on its own thread ---------------------------------------------------------------------------------

    def run_one(self) -> float:
        """Write the status if it is time to; return the seconds until it may be.

        Raises:
            Exception: what boto3 raises.
        """
        now, has_tasks = self._clock.monotonic(), len(self._fleet.registry) > 0
        pause = WRITE_SECONDS if has_tasks or self._had_tasks else IDLE_SECONDS
        wait = self._written_at + pause - now
        if wait > 0 or not self._fleet.lease.is_held():
            return min(max(wait, 1.0), WRITE_SECONDS)
        # Before the call: one that fails is not repeated sooner.
        self._written_at, self._had_tasks = now, has_tasks
        self._clients("s3").put_object(
            Bucket=self._fleet.config.payload_bucket,
            Key=f"{self._fleet.config.status_prefix}{self._scheduler.name}.json",
            Body=json.dumps(self.document(now)).encode(),
            ContentType="application/json",
        )
        return 0.0

    def document(self, now: float) -> dict[str, Any]:
        """Return what is written; ``now`` is in monotonic seconds."""
        fleet = self._fleet
        counts = fleet.metrics.totals()
        launches = counts[metrics.LAUNCHES]
        while len(self._launches) > 1 and now - self._launches[1][0] >= _RATE_SECONDS:
            self._launches.popleft()
        first, before = self._launches[0]
        self._launches.append((now, launches))
        limit_now, limit = fleet.launch_queue.rate()
        return {
            "format": FORMAT,
            "scheduler": self._scheduler.name,
            "team": self._scheduler.team,
            "began_at": self._began_at,
            "written_at": self._clock.time(),
            "containers": len(fleet.registry),
            "waiting": len(fleet.launch_queue),
            "rate": (launches - before) / max(1.0, now - first),
            "limit_now": limit_now,
            "limit": limit,
            **{name: counts[name] for name in _COUNTED},
            "standbys": self._standbys(),
            "failing": fleet.health.complaints(),
            "failures": list(self._failures),
            "details": self._containers.copy(),
        }

    def _standbys(self) -> dict[str, dict[str, int]]:
        """Return queue -> how many standbys there are, and should be."""
        found: dict[str, dict[str, int]] = {}
        for stat, word in _STANDBYS.items():
            for queue, value in self._fleet.metrics.gauges(stat, "queue").items():
                found.setdefault(queue, {})[word] = int(value)
        return found
