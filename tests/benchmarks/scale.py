"""The executors of four schedulers with a hundred thousand tasks, on a simulated clock and without Airflow.

The parts of all executors take turns in one thread, against ECS and SQS in the same process. CPU includes the
simulated AWS. Times are those of the simulated clock.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.tasks.messages import Finish
from airflow_fargate.tasks.verdict import Outcome
from benchmarks.memory import held_bytes
from local_cloud import Behaviour
from soak.days import UncheckedWorld

if TYPE_CHECKING:
    from airflow_fargate.fleet.fleet import Fleet

SCHEDULERS = 4
STEP_SECONDS = 0.5
WINDOW_SECONDS = 60.0
"""How long the full load is kept and measured."""


@dataclass
class _Spent:
    cpu: float = 0.0
    steps: int = 0


def play(running: int, rate: int) -> dict[str, Any]:
    """Launch at a rate until so many tasks run, keep that up, let all end, and return the figures.

    Args:
        running: tasks that run at once, over all schedulers.
        rate: launches a second, over all schedulers.
    """
    own, lifetime = rate // SCHEDULERS, running / rate
    world = UncheckedWorld(
        Behaviour(run=lifetime),
        history=0,
        run_task_rate=float(own),
        run_task_burst=own,
        launch_rate=float(own),
        launch_burst=own,
    )
    fleets = [world.fleet, *(world.scheduler() for _ in range(SCHEDULERS - 1))]
    launched, ended, spent = 0, Counter[Any](), _Spent()
    outcomes: Counter[bool] = Counter()
    begun, window = world.clock.now(), lifetime + 10.0
    found: dict[str, Any] = {}
    calls: Counter[str] = Counter()
    started = time.monotonic()
    while world.clock.now() - begun < 2 * lifetime + window + WINDOW_SECONDS + 600.0:
        now = world.clock.now() - begun
        if "memory" not in found and now >= window:
            calls, spent = Counter(world.plane.calls), _Spent()
            found["memory"] = max(held_bytes(fleet.registry) for fleet in fleets)
            found["held"] = sum(len(fleet.registry) for fleet in fleets)
        if "calls" not in found and now >= window + WINDOW_SECONDS:
            found["calls"] = Counter(world.plane.calls) - calls
            found["cpu"] = spent.cpu
        if now < window + WINDOW_SECONDS:
            for number in range(int(rate * STEP_SECONDS)):
                world.launch(fleet=fleets[number % SCHEDULERS])
                launched += 1
        for fleet in fleets:
            _step(world, fleet, spent)
        for told in world.told:
            if isinstance(told, Finish):
                ended[told.key] += 1
                outcomes[told.verdict.outcome is Outcome.SUCCESS] += 1
        world.told.clear()
        if now > window + WINDOW_SECONDS and len(ended) >= launched:
            break
        world.clock.advance(STEP_SECONDS)
    minutes = WINDOW_SECONDS / 60
    return {
        "running": found["held"],
        "launched": launched,
        "lost": launched - len(ended),
        "told_twice": sum(count - 1 for count in ended.values()),
        "wrongly_failed": outcomes[False],
        "megabytes": found["memory"] / 1e6,
        "cpu_share": found["cpu"] / WINDOW_SECONDS / SCHEDULERS,
        **{
            f"{name}_per_minute": count / minutes / SCHEDULERS
            for name, count in sorted(found["calls"].items())
        },
        "real_seconds": time.monotonic() - started,
    }


def _step(world: UncheckedWorld, fleet: Fleet, spent: _Spent) -> None:
    before = time.thread_time()
    world.step(fleet)
    spent.cpu += time.thread_time() - before
    spent.steps += 1
