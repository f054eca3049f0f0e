"""Metrics: any thread collects them, and the scheduler's thread sends them once per heartbeat.

Airflow's statistics client is not safe to use from several threads, in any supported release (read in the
source of 2.11.2, 3.0.6, 3.1.8, 3.2.2, 3.3.2 and 3.4.0b2):

- The client is made at its first use without a lock. Two threads can make two; with OpenTelemetry each has
its
  own exporter thread, and one of them is lost.
- The OpenTelemetry client keeps its instruments in a dictionary that it checks and fills without a lock, and
  adds to gauges by read and write. Two threads can lose an update.
- StatsD and Datadog send a packet per call, which a thread of the launcher should not wait for.

So other threads count here, under a lock, and the scheduler's thread sends the sums.
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
LAUNCH_SECONDS = "launch_seconds"  # from queued to RunTask's answer
THROTTLES = "throttles"  # calls that AWS throttled
CAPACITY_REFUSALS = "capacity_refusals"  # launches that AWS rejected for lack of capacity, by capacity
LAUNCH_ERRORS = "launch_errors"  # launches delayed by other errors: no answer, credentials, API down
LAUNCHED_AGAIN = "launched_again"  # tasks that stopped before they ran, and were launched again
EVENTS = "events"  # task state changes received
EVENT_LAG_SECONDS = "event_lag_seconds"  # from a change's arrival in the queue to its receipt
POISON = "poison_messages"  # messages in the queue that are not events
STALE = "stale_changes"  # events that brought nothing new: repeated, or out of order
RECONCILE_FINDS = "reconcile_finds"  # starts and ends that DescribeTasks found before an event
FAILURES = "failures"  # failed tasks, by responsibility
COST = "cost_microdollars"  # estimated cost of the tasks that ended, by capacity
TASKS = "tasks"  # containers tracked now
FAILING_PARTS = "failing_parts"  # threads whose last call failed
THREAD_RESTARTS = "thread_restarts"  # threads that died and were restarted
STANDBY_HITS = "standby_hits"  # tasks that a standby container runs
STANDBY_MISSES = "standby_misses"  # tasks launched cold although there are standbys, by reason
STANDBY_CLAIM_SECONDS = "standby_claim_seconds"  # from an offer to the standby's answer
STANDBY_COST = "standby_idle_microdollars"  # estimated cost of waiting, by queue
STANDBYS_IDLE = "standbys_idle"  # standbys that wait, by queue
STANDBYS_STARTING = "standbys_starting"  # standbys that do not run yet, by queue
STANDBYS_TARGET = "standbys_target"  # standbys that there should be, by queue

PHASES = (
    ("provision_seconds", "createdAt", "pullStartedAt"),
    ("pull_seconds", "pullStartedAt", "pullStoppedAt"),
    ("start_seconds", "pullStoppedAt", "startedAt"),
    ("run_seconds", "startedAt", "executionStoppedAt"),
)
"""A task's timeline in the phases that one can improve: network, image, start, work."""


class Sink(Protocol):
    """Airflow's statistics client, as every release has it."""

    def incr(self, stat: str, count: int, *, tags: dict[str, str] | None = None) -> None:
        """Add to a counter."""

    def timing(self, stat: str, dt: float, *, tags: dict[str, str] | None = None) -> None:
        """Record a duration in milliseconds."""

    def gauge(self, stat: str, value: float, *, tags: dict[str, str] | None = None) -> None:
        """Set a value."""


@dataclass(frozen=True)
class _Name:
    stat: str
    tags: tuple[tuple[str, str], ...]


class Metrics:
    """Counts and durations of one fleet. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[_Name] = Counter()
        self._totals: Counter[str] = Counter()
        self._times: list[tuple[_Name, float]] = []
        self._gauges: dict[_Name, float] = {}

    def count(self, stat: str, number: int = 1, **tags: str) -> None:
        """Add ``number`` to a counter."""
        with self._lock:
            self._counts[_name(stat, tags)] += number
            self._totals[stat] += number

    def gauge(self, stat: str, value: float, **tags: str) -> None:
        """Set a value; it is sent with every heartbeat until it is set again."""
        with self._lock:
            self._gauges[_name(stat, tags)] = value

    def time(self, stat: str, seconds: float, **tags: str) -> None:
        """Record a duration in seconds."""
        with self._lock:
            self._times.append((_name(stat, tags), seconds))

    def timeline(self, ecs_task: EcsTask) -> None:
        """Record an ended task's phases and its estimated cost.

        The cost is in millionths of a dollar, because counters are whole numbers.
        """
        ended = ecs_task.at("stoppedAt") or ecs_task.at("executionStoppedAt") or 0.0
        if cost := round(1e6 * prices.cost(ecs_task, ended)):
            self.count(COST, cost, capacity=ecs_task.capacity_provider or "launch type")
        for stat, begin, end in PHASES:
            start, stop = ecs_task.at(begin), ecs_task.at(end)
            if start is not None and stop is not None:
                self.time(stat, stop - start)

    def totals(self) -> Counter[str]:
        """Return what was counted since the start, by name and whatever the tags."""
        with self._lock:
            return self._totals.copy()

    def gauges(self, stat: str, tag: str) -> dict[str, float]:
        """Return the current values of one name, by the value of a tag."""
        with self._lock:
            return {dict(name.tags)[tag]: value for name, value in self._gauges.items() if name.stat == stat}

    def send(self, sink: Sink, tasks: int, failing_parts: int = 0, team: str | None = None) -> None:
        """Send what was collected since the last call, and the current gauges.

        Args:
            sink: Airflow's statistics client.
            tasks: number of tracked tasks.
            failing_parts: number of threads whose last call failed.
            team: the executor's team; a scheduler may have one executor per team.
        """
        whose = {"team_name": team} if team else {}
        with self._lock:
            counts, self._counts = self._counts, Counter()
            times, self._times = self._times, []
            gauges = dict(self._gauges)
        for name, number in counts.items():
            sink.incr(f"{PREFIX}.{name.stat}", number, tags=dict(name.tags) | whose)
        for name, seconds in times:
            sink.timing(f"{PREFIX}.{name.stat}", seconds * 1000, tags=dict(name.tags) | whose)
        for name, value in gauges.items():
            sink.gauge(f"{PREFIX}.{name.stat}", value, tags=dict(name.tags) | whose)
        sink.gauge(f"{PREFIX}.{TASKS}", tasks, tags=whose)
        sink.gauge(f"{PREFIX}.{FAILING_PARTS}", failing_parts, tags=whose)


def _name(stat: str, tags: Mapping[str, str]) -> _Name:
    return _Name(stat, tuple(sorted(tags.items())))
