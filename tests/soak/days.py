"""Simulated days: the executor on a simulated clock, busy by day and idle by night, with common faults."""

from __future__ import annotations

import math
import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.tasks.messages import Finish
from local_cloud import Behaviour, EventFaults, Fault, fails_to_start, spot_interrupted
from scenarios.world import World
from soak.gauges import Sample, take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.fleet.fleet import Fleet

DAY, HOUR = 86_400.0, 3600.0
QUIET_HOURS = 3.0
"""No task is queued in the first hours of a day, so that the records of the day before expire."""
EVERYDAY = (
    Fault("server_error", probability=0.01),
    Fault("server_error_after", ("RunTask",), probability=0.01),
    Fault("lost", ("RunTask",), probability=0.01),
    Fault("throttle", probability=0.01),
    Fault("capacity", probability=0.02),
)
ENDS = (
    *(Behaviour(run=(5.0, 300.0)),) * 16,
    Behaviour(exit_code=80),
    Behaviour(exit_code=81),
    Behaviour(exit_code=66),
    fails_to_start(),
    spot_interrupted(),
)


@dataclass
class Ledger:
    """What became of the tasks of all days."""

    launched: int = 0
    revoked: int = 0
    ended: int = 0
    ended_twice: int = 0
    held: int = 0
    days: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether every task ended once, and none is left."""
        return self.launched == self.ended + self.revoked and not self.ended_twice and not self.held


class Nowhere:
    """A sink that drops all metrics."""

    def incr(self, stat: str, count: int, *, tags: Any = None) -> None:
        """See Sink."""

    def timing(self, stat: str, dt: float, *, tags: Any = None) -> None:
        """See Sink."""

    def gauge(self, stat: str, value: float, *, tags: Any = None) -> None:
        """See Sink."""


class UncheckedWorld(World):
    """A world that does not check calls against botocore's model: it takes time, and the scenarios do it."""

    def scheduler(self) -> Fleet:
        """See World."""
        clients = {"ecs": self.plane.client("ecs"), "sqs": self.sqs, "s3": self.s3, "logs": self.logs}
        return self.fleet_of(clients)


class Days:
    """Simulated days.

    Args:
        tasks: how many a day, roughly.
        seed: of the random numbers.
    """

    def __init__(self, tasks: int, seed: int = 1) -> None:
        self._per_second = tasks / (DAY - QUIET_HOURS * HOUR)
        self.world = UncheckedWorld(seed=seed, history=0)
        self.world.plane.faults.add(*EVERYDAY)
        self.world.plane.faults.events = EventFaults(lost=0.01, duplicated=0.02, delayed=0.05)
        self.world.engine.choose = lambda task: ENDS[int((task.started_by or "0")[-12:]) % len(ENDS)]
        self.ledger = Ledger()
        self._open: set[Any] = set()
        self._begun = self.world.clock.now()

    def play(self, seconds: float, warm: int) -> Iterator[Sample]:
        """Simulate days for so many real seconds; yield a sample a day once ``warm`` tasks have ended."""
        until = time.monotonic() + seconds
        tracemalloc.start(1)
        try:
            while time.monotonic() < until:
                yield from self.play_days(1, warm)
        finally:
            tracemalloc.stop()

    def play_days(self, days: int, warm: int) -> Iterator[Sample]:
        """Simulate so many days; yield a sample for each, after ``warm`` tasks have ended."""
        for _ in range(days):
            self._day()
            if self.ledger.ended >= warm:
                yield take(self.ledger.days, self.ledger.ended)

    def _day(self) -> None:
        clock, begun = self.world.clock, self.world.clock.now()
        end, quiet = begun + DAY, begun + QUIET_HOURS * HOUR
        queued = 0.0
        while clock.now() < end:
            now = clock.now()
            if quiet <= now < end - HOUR:
                # The rate rises until noon and falls until night; the sum is the day's number of tasks.
                share = 0.5 - 0.5 * math.cos(2 * math.pi * (now - quiet) / (end - quiet))
                queued += 2 * share * self._per_second * self._step(now, end)
                while queued >= 1:
                    queued -= 1
                    self._launch()
            self._heartbeat()
            clock.advance(self._step(now, end))
        self._heartbeat()
        # As the bucket's lifecycle rule does.
        self.world.s3.objects.clear()
        self.ledger.held = len(self.world.fleet.registry) + len(self._open)
        self.ledger.days = (clock.now() - self._begun) / DAY

    def _step(self, now: float, end: float) -> float:
        """Return the seconds to the next heartbeat: 5 to 10 while tasks run, 10 otherwise."""
        due = self.world.clock.next_due()
        return min(end - now, 10.0 if not self._open else max(5.0, min(10.0, (due or now) - now)))

    def _launch(self) -> None:
        key = self.world.launch()
        self.ledger.launched += 1
        self._open.add(key)
        if self.ledger.launched % 50 == 0:
            self.world.fleet.revoke(key, "cleared")
            self._open.discard(key)
            self.ledger.revoked += 1

    def _heartbeat(self) -> None:
        world = self.world
        world.step()
        for told in world.told:
            if isinstance(told, Finish):
                self.ledger.ended += 1
                self.ledger.ended_twice += told.key not in self._open
                self._open.discard(told.key)
        world.told.clear()
        world.fleet.metrics.send(Nowhere(), len(world.fleet.registry))
