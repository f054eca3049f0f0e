"""A scenario, and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chaos.stage import GOOD, NOT_FOUND, Stage, Sums
from local_cloud import Behaviour, EventFaults, Fault, Limits

if TYPE_CHECKING:
    from local_cloud import Task
    from scenarios.outages import Outage

Act = Callable[[Stage], None]
Check = Callable[[Stage], str]
"""Looks at the end of a run; returns what is wrong with it, or nothing."""


@dataclass(frozen=True)
class Scenario:
    """One fault, and what is to come of it.

    name, fault, source, expected: words, for the table; source names a line of AWS's documentation or the
    issue in which somebody suffered from it. succeed, fail: how many tasks end so. refuse: how many of those
    that fail do so without a container. says: stands in what Airflow is told of each failure. containers: how
    many were started, None for one each. revoked: how many tasks Airflow let go of.
    relaunches: any number of containers that never ran is right.

    tasks: queued at the beginning. behaviour: how containers live; first: how the first ones do instead.
    faults, outages, events, lag, limits: what AWS does. acts: (second, what happens then). config: options of
    ``[fargate]``. seconds: how long it is watched. standbys: how many wait for tasks. hits: how many tasks
    run on one.
    """

    name: str
    fault: str
    source: str
    expected: str = "all succeed"
    succeed: int | None = None
    fail: int = 0
    refuse: int = 0
    unknown: int = 0
    says: str = ""
    containers: int | None = None
    revoked: int = 0
    relaunches: bool = False
    tasks: int = 10
    behaviour: Behaviour = GOOD
    first: tuple[Behaviour, ...] = ()
    faults: tuple[Fault, ...] = ()
    outages: tuple[Outage, ...] = ()
    events: EventFaults = field(default_factory=EventFaults)
    lag: float = 0.0
    limits: bool = False
    schedulers: int = 1
    acts: tuple[tuple[float, Act], ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    seconds: float = 400.0
    standbys: int = 0
    hits: int | None = None
    check: Check | None = None


@dataclass(frozen=True)
class Result:
    """The result of a scenario. complaint: what differs from the expectation, empty if nothing does."""

    scenario: Scenario
    sums: Sums
    complaint: str


def play(scenario: Scenario, seed: int = 0) -> Result:
    """Run a scenario to its end."""
    config = dict(scenario.config)
    if scenario.standbys:
        config["standby"] = {"default": {"min": scenario.standbys}}
    stage = Stage(scenario.behaviour, seed, scenario.schedulers, **config)
    world = stage.world
    world.plane.faults.add(*scenario.faults)
    world.plane.faults.events = scenario.events
    world.plane.faults.describe_lag = scenario.lag
    world.plane.faults.limits = Limits() if scenario.limits else None
    world.outages.add(*scenario.outages)
    world.engine.next_behaviours.extend(scenario.first)
    stage.acts += len(scenario.first) + (len(scenario.acts) if scenario.acts else 0) + bool(scenario.lag)
    life = scenario.behaviour
    if life.exit_code or life.stop_code or life.fails_in or life.pending != GOOD.pending:
        stage.acts += scenario.tasks
    if scenario.standbys:
        # They start, and have been idle long enough.
        stage.run(world.clock.now() + 60)
    stage.launch(scenario.tasks)
    begun = world.clock.now()
    for at, act in sorted(scenario.acts, key=lambda each: each[0]):
        stage.run(begun + at)
        act(stage)
    stage.run(max(begun + scenario.seconds, world.clock.now() + 150))
    sums = stage.sums(is_doomed, scenario.refuse, scenario.unknown)
    return Result(scenario, sums, "; ".join(_complaints(scenario, stage, sums)))


def is_doomed(task: Task) -> bool:
    """Say whether a container that never ran ended because of a permanent error."""
    reason = task.stopped_reason or ""
    lasting = (NOT_FOUND, "AccessDeniedException", "CannotStartContainerError")
    return task.stop_code == "UserInitiated" or any(each in reason for each in lasting)


def _complaints(scenario: Scenario, stage: Stage, sums: Sums) -> list[str]:
    succeed = sums.tasks - scenario.fail - scenario.revoked if scenario.succeed is None else scenario.succeed
    found = [
        f"{count} {what} instead of {expected}"
        for what, count, expected in (
            ("succeeded", sums.succeeded, succeed),
            ("failed", sums.failed, scenario.fail),
            (
                "containers",
                stage.containers(),
                _containers(scenario, stage, sums),
            ),
        )
        if count != expected
    ]
    silent = [each for each in stage.failures() if scenario.says.lower() not in each.lower() or not each]
    if silent:
        found.append(f"a failure does not say {scenario.says!r}: {silent[0]}")
    if scenario.check is not None and (complaint := scenario.check(stage)):
        found.append(complaint)
    if scenario.hits is not None and scenario.hits != (hits := len(stage.world.containers_inside.ran)):
        found.append(f"{hits} ran on a standby instead of {scenario.hits}")
    if sums.injected == 0:
        found.append("nothing was injected")
    return found


def _containers(scenario: Scenario, stage: Stage, sums: Sums) -> int:
    """How many containers there are to be; any number that is launched for good is right where it may be."""
    if scenario.relaunches:
        return stage.containers()
    return sums.tasks if scenario.containers is None else scenario.containers
