"""What is measured, collected by any thread and sent by the scheduler's.

Airflow's statistics clients are made for one thread and may do I/O (StatsD's is a UDP packet): what the
threads count is summed here, and handed to Airflow once per heartbeat.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_fargate.aws import prices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_fargate.aws.ecs_task import EcsTask

PREFIX = "fargate"

LAUNCHES = "launches"  # containers started, by capacity
LAUNCH_SECONDS = "launch_seconds"  # from the workload's arrival to RunTask's answer
THROTTLES = "throttles"  # calls that AWS refused for their rate
CAPACITY_REFUSALS = "capacity_refusals"  # launches that AWS had no room for, by capacity
LAUNCH_ERRORS = "launch_errors"  # launches put off for what is no limit: no answer, credentials, an API away
LAUNCHED_AGAIN = "launched_again"  # tasks that stopped before they ran, and were launched again
EVENTS = "events"  # task state changes received
EVENT_LAG_SECONDS = "event_lag_seconds"  # from a change's arrival in the queue to its receipt
POISON = "poison_messages"  # messages of the queue that are no events
STALE = "stale_changes"  # news that were known already: repeated, or overtaken
RECONCILE_FINDS = "reconcile_finds"  # ends and starts that DescribeTasks told and no event did
FAILURES = "failures"  # tasks that ended badly, by whose doing it was
COST = "cost_microdollars"  # what the tasks that ended have cost, estimated, by capacity
TASKS = "tasks"  # containers that are tracked now
FAILING_PARTS = "failing_parts"  # threads whose last call failed
THREAD_RESTARTS = "thread_restarts"  # threads that had ended and were started again

PHASES = (
    ("provision_seconds", "createdAt", "pullStartedAt"),
    ("pull_seconds", "pullStartedAt", "pullStoppedAt"),
    ("start_seconds", "pullStoppedAt", "startedAt"),
    ("run_seconds", "startedAt", "executionStoppedAt"),
)
"""A task's own timeline, cut into what one can do something about: network, image, start, work."""


class Sink(Protocol):
    """Where measurements go: Airflow's statistics, as every release has them."""

    def incr(self, stat: str, count: int, *, tags: dict[str, str] | None = None) -> None:
        """Add to a counter."""

    def timing(self, stat: str, dt: float, *, tags: dict[str, str] | None = None) -> None:
        """Note a time in milliseconds."""

    def gauge(self, stat: str, value: float, *, tags: dict[str, str] | None = None) -> None:
        """Set a value."""


@dataclass(frozen=True)
class _Name:
    stat: str
    tags: tuple[tuple[str, str], ...]


class Metrics:
    """Counts and times of one fleet; every method may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[_Name] = Counter()
        self._times: list[tuple[_Name, float]] = []

    def count(self, stat: str, number: int = 1, **tags: str) -> None:
        """Add one, or so many."""
        with self._lock:
            self._counts[_name(stat, tags)] += number

    def time(self, stat: str, seconds: float, **tags: str) -> None:
        """Note a duration in seconds."""
        with self._lock:
            self._times.append((_name(stat, tags), seconds))

    def timeline(self, ecs_task: EcsTask) -> None:
        """Note a task's own times, and what it cost, once its end is known.

        In millionths of a dollar, since counters are whole numbers: a task's minute costs hundreds of them.
        """
        ended = ecs_task.at("stoppedAt") or ecs_task.at("executionStoppedAt") or 0.0
        if cost := round(1e6 * prices.cost(ecs_task, ended)):
            self.count(COST, cost, capacity=ecs_task.capacity_provider or "launch type")
        for stat, begin, end in PHASES:
            start, stop = ecs_task.at(begin), ecs_task.at(end)
            if start is not None and stop is not None:
                self.time(stat, stop - start)

    def send(self, sink: Sink, tasks: int, failing_parts: int = 0, team: str | None = None) -> None:
        """Hand over what was collected since the last time, and the tasks and failing parts of now.

        Args:
            sink: Airflow's statistics.
            tasks: how many are tracked.
            failing_parts: how many threads' last call failed.
            team: whose executor it is: a scheduler may have one for each.
        """
        whose = {"team_name": team} if team else {}
        with self._lock:
            counts, self._counts = self._counts, Counter()
            times, self._times = self._times, []
        for name, number in counts.items():
            sink.incr(f"{PREFIX}.{name.stat}", number, tags=dict(name.tags) | whose)
        for name, seconds in times:
            sink.timing(f"{PREFIX}.{name.stat}", seconds * 1000, tags=dict(name.tags) | whose)
        sink.gauge(f"{PREFIX}.{TASKS}", tasks, tags=whose)
        sink.gauge(f"{PREFIX}.{FAILING_PARTS}", failing_parts, tags=whose)


def _name(stat: str, tags: Mapping[str, str]) -> _Name:
    return _Name(stat, tuple(sorted(tags.items())))
