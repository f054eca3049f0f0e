"""Four schedulers' executors with a hundred thousand tasks, on a simulated clock and without Airflow.

The parts of each executor run one after another in one thread, against ECS and SQS in the same process. CPU
time is that of the executors and of the simulated AWS that answers them; all other times are the simulated
clock's.
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
"""How long the full load is held and measured."""
BATCH_SECONDS = 0.05
"""What a batch of events costs a listener in the same region: receive, hand back and delete, each 10 to 20
ms."""


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
    while world.clock.now() - begun < 2 * lifetime + window + WINDOW_SECONDS + 1800.0:
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
    _listen(world, fleet)
    spent.cpu += time.thread_time() - before
    spent.steps += 1


def _listen(world: UncheckedWorld, fleet: Fleet) -> None:
    """Receive events for as long as the fleet's listener threads could during one step."""
    left = STEP_SECONDS * fleet.config.listeners
    while fleet.listener is not None and left > 0 and world.visible():
        left -= max(fleet.listener.receive(), BATCH_SECONDS)
