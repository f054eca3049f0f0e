"""What holds whatever happens: random schedules of faults, of behaviours, of restarts.

The profile is chosen by HYPOTHESIS_PROFILE: ``ci`` (the default) takes seconds, ``thorough`` minutes.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_fargate.messages import Finish, LaunchAgain, Report
from airflow_fargate.verdict import Outcome
from local_cloud import (
    Behaviour,
    EventFaults,
    Fault,
    fails_to_start,
    host_failed,
    out_of_memory,
    spot_interrupted,
    spot_taken_before_start,
)
from scenarios.world import World

if TYPE_CHECKING:
    from airflow_fargate.fleet import Fleet

_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile(
    "ci", max_examples=60, deadline=None, derandomize=True, suppress_health_check=_QUIET
)
settings.register_profile("thorough", max_examples=400, deadline=None, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

BEHAVIOURS = st.sampled_from(
    [
        Behaviour(),
        Behaviour(run=0.1, provisioning=0, pending=0, deprovisioning=0.1),
        Behaviour(run=(5.0, 90.0)),
        Behaviour(exit_code=1),
        Behaviour(exit_code=66),
        out_of_memory(),
        spot_interrupted(),
        host_failed(),
        fails_to_start(),
        fails_to_start("CannotPullContainerError: not found"),
        spot_taken_before_start(),
    ]
)
SECONDS = st.integers(0, 120).map(float)
FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(
        ["throttle", "hidden_throttle", "server_error", "server_error_after", "lost", "capacity"]
    ),
    operations=st.sampled_from(
        [(), ("RunTask",), ("RunTask", "ListTasks"), ("DescribeTasks",), ("StopTask",)]
    ),
    probability=st.sampled_from([0.05, 0.3, 1.0]),
    after=SECONDS,
    until=st.integers(120, 240).map(float),
)
EVENTS = st.builds(
    EventFaults,
    lost=st.sampled_from([0.0, 0.1, 1.0]),
    duplicated=st.sampled_from([0.0, 0.3]),
    delayed=st.sampled_from([0.0, 0.3]),
    delay=st.just((0.5, 30.0)),
)
# What a person or Airflow does, and when: seconds since the last act.
ACTS = st.lists(
    st.tuples(st.sampled_from(["launch", "launch", "launch", "revoke", "restart"]), st.integers(0, 20)),
    min_size=1,
    max_size=15,
)


class Airflow:
    """Airflow's side of a run: slots, outcomes, external_executor_ids, and restarts of the scheduler."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fleet: Fleet = world.fleet
        self.running: set[Any] = set()
        self.revoked: set[Any] = set()
        self.arns: dict[Any, str] = {}
        self.outcomes: Counter[Any] = Counter()
        self.verdicts: dict[Any, Outcome] = {}

    def run(self, seconds: float, every: float = 1.0) -> None:
        until = self.world.clock.now() + seconds
        while self.world.clock.now() < until:
            self.heartbeat()
            self.world.clock.advance(every)

    def heartbeat(self) -> None:
        before = len(self.world.told)
        self.world.step(self.fleet)
        for told in self.world.told[before:]:
            if isinstance(told, Report):
                self.arns[told.key] = told.arn
            elif isinstance(told, Finish):
                self.outcomes[told.key] += 1
                self.verdicts[told.key] = told.verdict.outcome
                self.running.discard(told.key)
            else:
                assert isinstance(told, LaunchAgain)
        self.slots_are_counted()

    def slots_are_counted(self) -> None:
        """Every slot is a task that the fleet holds or is about to tell of, and the other way round."""
        held = {task.key for task in self.fleet.registry if not task.revoked}
        assert held | set(self.fleet._explaining) == self.running

    def act(self, what: str) -> None:
        if what == "launch":
            self.running.add(self.world.launch(fleet=self.fleet))
        elif what == "revoke" and self.running:
            key = min(self.running)
            self.running.discard(key)
            self.revoked.add(key)
            self.fleet.revoke(key, "cleared")
        elif what == "restart":
            # Killed: nothing is settled. What it had told survives in Airflow's database, nothing else.
            self.fleet = self.world.scheduler()
            for key in sorted(self.running):
                launch = self.world.a_launch(key)
                arn = self.arns.get(key, "")
                if arn:
                    self.fleet.adopt(key, arn, arn=arn)
                else:
                    self.fleet.adopt(key, launch.launch_id, launch=launch)


def containers_that_ran(world: World) -> int:
    """Return the most containers of one launch that ever ran."""
    ran = Counter(task.started_by for task in world.plane.tasks() if task.started_at is not None)
    return max(ran.values(), default=0)


@given(
    acts=ACTS,
    behaviours=st.lists(BEHAVIOURS, max_size=15),
    faults=st.lists(FAULTS, max_size=4),
    events=EVENTS,
    queue=st.booleans(),
    chain=st.booleans(),
    lag=st.sampled_from([0.0, 5.0]),
    seed=st.integers(0, 1000),
)
def test_every_workload_ends_once_in_one_container_whatever_happens(  # noqa: PLR0913, PLR0917
    acts: list[tuple[str, int]],
    behaviours: list[Behaviour],
    faults: list[Fault],
    events: EventFaults,
    queue: bool,  # noqa: FBT001
    chain: bool,  # noqa: FBT001
    lag: float,
    seed: int,
) -> None:
    """Faults, revocations, restarts: one outcome and one container each, slots equal tasks, no orphan."""
    changes: dict[str, Any] = {"launch_timeout": 400.0, "reconcile_interval": 30.0}
    if not queue:
        changes["event_queue_url"] = ""
    if chain:
        changes["capacity_chain"] = ("FARGATE_SPOT", "FARGATE")
    world = World(seed=seed, **changes)
    world.plane.faults.add(*faults)
    world.plane.faults.events = events
    world.plane.faults.describe_lag = lag
    world.engine.next_behaviours.extend(behaviours)
    airflow = Airflow(world)
    for what, pause in acts:
        airflow.act(what)
        airflow.run(pause)
    airflow.run(700, every=2.0)
    launched = {f"task-{number}" for number in range(1, world.numbers + 1)}
    assert airflow.running == set()
    assert set(airflow.outcomes) == launched - airflow.revoked
    assert set(airflow.outcomes.values()) <= {1}
    assert containers_that_ran(world) <= 1
    assert len(airflow.fleet.registry) == 0
    restarted = any(what == "restart" for what, _ in acts)
    if not (restarted and airflow.revoked):  # What a killed scheduler was about to stop is the reaper's.
        assert {task.last_status for task in world.plane.tasks()} <= {"STOPPED"}


@given(
    faults=st.lists(FAULTS, max_size=4),
    events=EVENTS,
    seed=st.integers(0, 1000),
)
def test_what_aws_does_in_passing_fails_no_task(faults: list[Fault], events: EventFaults, seed: int) -> None:
    """Throttling, server errors, lost answers, gaps in capacity, events: ten good tasks all succeed."""
    world = World(Behaviour(run=(1.0, 60.0)), seed=seed, reconcile_interval=30.0)
    world.plane.faults.add(*faults)
    world.plane.faults.events = events
    keys = [world.launch() for _ in range(10)]
    world.run(600, every=2.0)
    assert {key: ends[0].verdict.outcome for key, ends in world.finished().items()} == dict.fromkeys(
        keys, Outcome.SUCCESS
    )
    assert set(world.containers().values()) == {1}
