"""Properties that hold for random faults, behaviours and restarts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_fargate.tasks.verdict import Outcome
from hypothesis_profiles import share_of_examples
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
from scenarios.airflow import Airflow
from scenarios.world import World

BEHAVIOURS = st.sampled_from(
    [
        Behaviour(),
        Behaviour(run=0.1, provisioning=0, pending=0, deprovisioning=0.1),
        Behaviour(run=(5.0, 90.0)),
        Behaviour(exit_code=80),
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


def containers_that_ran(world: World) -> int:
    """Return the largest number of containers of one launch that ran."""
    ran = Counter(task.started_by for task in world.plane.tasks() if task.started_at is not None)
    return max(ran.values(), default=0)


@share_of_examples(0.6)
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
    """One outcome and one container each, slots equal tasks, and no orphans."""
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
        getattr(airflow, what)()
        airflow.run(pause)
    airflow.run(700, every=2.0)
    launched = {f"task-{number}" for number in range(1, world.numbers + 1)}
    assert airflow.running == set()
    assert set(airflow.outcomes) == launched - airflow.revoked
    assert set(airflow.outcomes.values()) <= {1}
    assert containers_that_ran(world) <= 1
    assert len(airflow.fleet.registry) == 0
    assert airflow.leaks == 0
    restarted = any(what == "restart" for what, _ in acts)
    if not (restarted and airflow.revoked):  # What a killed scheduler was about to stop is the reaper's.
        assert {task.last_status for task in world.plane.tasks()} <= {"STOPPED"}


@share_of_examples(0.6)
@given(
    faults=st.lists(FAULTS, max_size=4),
    events=EVENTS,
    seed=st.integers(0, 1000),
)
def test_transient_faults_fail_no_task(faults: list[Fault], events: EventFaults, seed: int) -> None:
    """Throttling, server errors, lost answers and events, gaps in capacity: ten good tasks succeed."""
    world = World(Behaviour(run=(1.0, 60.0)), seed=seed, reconcile_interval=30.0)
    world.plane.faults.add(*faults)
    world.plane.faults.events = events
    keys = [world.launch() for _ in range(10)]
    world.run(600, every=2.0)
    assert {key: ends[0].verdict.outcome for key, ends in world.finished().items()} == dict.fromkeys(
        keys, Outcome.SUCCESS
    )
    assert set(world.containers().values()) == {1}
