"""The simulated engine: lives scripted, and played on a clock that a test moves."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.local_cloud.worlds import SimulatedWorld, error_code
from hypothesis_profiles import share_of_examples
from local_cloud import (
    Behaviour,
    EventFaults,
    Fault,
    fails_to_start,
    host_failed,
    spot_interrupted,
    spot_taken_before_start,
)
from local_cloud.ecs.lifecycle import NEXT, RANK, Change

if TYPE_CHECKING:
    from local_cloud import Task

HOUR = 3600.0


def test_time_stands_still_until_it_is_moved(simulated: SimulatedWorld) -> None:
    """Without advance nothing happens; with it every step comes at its own second."""
    arn = simulated.start(behaviour=Behaviour(provisioning=2, pending=3, run=10, deprovisioning=2))
    begun = simulated.clock.now()
    seen = []
    for _ in range(20):
        seen.append((simulated.clock.now() - begun, simulated.describe(arn)["lastStatus"]))
        simulated.clock.advance(1)
    firsts = {status: at for at, status in reversed(seen)}
    assert firsts == {"PROVISIONING": 0, "PENDING": 2, "RUNNING": 5, "DEPROVISIONING": 15, "STOPPED": 17}


def test_the_same_seed_lives_the_same_life() -> None:
    """Ids, durations, faults, events: equal for equal seeds, different for others."""

    def life(seed: int) -> list[object]:
        world = SimulatedWorld(seed)
        world.behave(Behaviour(run=(1, 100)))
        world.plane.faults.add(Fault("throttle", operations=("RunTask",), probability=0.3))
        world.plane.faults.events = EventFaults(lost=0.1, duplicated=0.1, delayed=0.1)
        request = world.request(world.define())
        answers = [error_code(world.ecs.run_task, **request) for _ in range(20)]
        world.clock.advance(200)
        arrived = [(event["id"], event["time"], event["detail"]["lastStatus"]) for event in world.arrived]
        return [answers, arrived, [task.task_id for task in world.plane.tasks()]]

    assert life(1) == life(1)
    assert life(1) != life(2)


@pytest.mark.parametrize(
    ("behaviour", "stop_code", "ran", "exit_code"),
    [
        (Behaviour(exit_code=1), "EssentialContainerExited", True, 1),
        (fails_to_start(), "TaskFailedToStart", False, None),
        (spot_interrupted(), "SpotInterruption", True, 143),
        (spot_taken_before_start(), "SpotInterruption", False, None),
        (host_failed(), "InfrastructureHealth", True, None),
        (Behaviour(stop_code="TerminationNotice", stopped_reason="x"), "TerminationNotice", True, 143),
    ],
)
def test_every_end_can_be_scripted(
    simulated: SimulatedWorld,
    behaviour: Behaviour,
    stop_code: str,
    ran: bool,  # noqa: FBT001 - a column of the table
    exit_code: int | None,
) -> None:
    """Stop code, whether it ever ran, and the exit code or its absence."""
    task = simulated.ended(simulated.start(behaviour=behaviour))
    assert task["stopCode"] == stop_code
    assert ("startedAt" in task) is ran
    assert task["containers"][0].get("exitCode") == exit_code


def test_a_task_can_be_stopped_in_any_state(simulated: SimulatedWorld) -> None:
    """StopTask half-way through each state: UserInitiated, and it ran only if it had begun to."""
    life = Behaviour(2, 2, 2, 2, 2, 2, 2)
    for status in list(NEXT)[:4]:
        arn = simulated.start(behaviour=life)
        simulated.until(arn, status)
        simulated.clock.advance(1)
        simulated.ecs.stop_task(cluster=simulated.cluster, task=arn, reason="r")
        task = simulated.ended(arn)
        assert task["stopCode"] == "UserInitiated"
        assert ("startedAt" in task) is (status == "RUNNING")


@pytest.mark.parametrize("status", list(NEXT)[1:4])
def test_a_stop_that_overtakes_a_step_breaks_nothing(
    simulated: SimulatedWorld, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """The calls' thread may stop a task between the moment a step is due and its being told."""
    arn, tell = simulated.start(), simulated.plane.progress

    def overtaken(which: str, change: Change) -> Task:
        if change.status == status:
            simulated.ecs.stop_task(cluster=simulated.cluster, task=arn)
        return tell(which, change)

    monkeypatch.setattr(simulated.plane, "progress", overtaken)
    assert simulated.ended(arn)["stopCode"] == "UserInitiated"


def test_behaviours_are_chosen_by_order_then_by_task_then_by_default(simulated: SimulatedWorld) -> None:
    """next_behaviours first, then what `choose` says, then the default."""
    engine = simulated.engine
    engine.next_behaviours.append(Behaviour(exit_code=1))
    engine.choose = lambda task: Behaviour(exit_code=2) if task.started_by == "two" else None
    request = simulated.request(simulated.define())
    arns = [
        simulated.ecs.run_task(**request, startedBy=by)["tasks"][0]["taskArn"] for by in ("two", "two", "x")
    ]
    assert [simulated.ended(arn)["containers"][0]["exitCode"] for arn in arns] == [1, 2, 0]


def test_a_test_can_end_a_task_when_it_likes(simulated: SimulatedWorld) -> None:
    """exit_now: the container has just exited."""
    arn = simulated.start(behaviour=Behaviour(run=None))
    simulated.until(arn, "RUNNING")
    simulated.engine.exit_now(arn, 9)
    assert simulated.ended(arn)["containers"][0]["exitCode"] == 9


def test_a_stopped_task_is_shown_for_an_hour(simulated: SimulatedWorld) -> None:
    """Then it is MISSING, no longer listed, and its client token is free again."""
    arn = simulated.start(clientToken="token")
    simulated.ended(arn)
    family = simulated.describe(arn)["group"].removeprefix("family:")
    simulated.clock.advance(HOUR - 1)
    assert simulated.describe(arn)["lastStatus"] == "STOPPED"
    simulated.clock.advance(2)
    answer = simulated.ecs.describe_tasks(cluster=simulated.cluster, tasks=[arn])
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert simulated.ecs.list_tasks(cluster=simulated.cluster, desiredStatus="STOPPED")["taskArns"] == []
    again = simulated.ecs.run_task(**simulated.request(family, clientToken="token"))
    assert again["tasks"][0]["taskArn"] != arn


def test_what_is_forgotten_leaves_nothing_behind(simulated: SimulatedWorld) -> None:
    """Days of tasks do not fill the memory: an hour after its end nothing but the history knows a task."""
    family = simulated.define()
    for number in range(20):
        request = simulated.request(family, clientToken=f"t{number}", startedBy=f"me/{number}")
        arn = simulated.ecs.run_task(**request)["tasks"][0]["taskArn"]
        if number % 2:
            simulated.ecs.stop_task(cluster=simulated.cluster, task=arn)
    simulated.clock.advance(HOUR + 100)
    plane, table = simulated.plane, simulated.plane._table
    kept = (table._tasks, table._number, table._started_by, plane._stop_sent, plane._tokens._launches)
    assert [len(each) for each in kept] == [0] * 5
    assert len(simulated.engine._lives) == 0
    assert simulated.clock.next_due() is None
    assert len(plane.tasks()) == 20


LIVES = st.builds(
    Behaviour,
    provisioning=st.floats(0, 5),
    pending=st.floats(0, 5),
    activating=st.floats(0, 5),
    run=st.none() | st.floats(0, 20),
    stopping=st.floats(0, 60),
    deprovisioning=st.floats(0, 5),
    exit_code=st.integers(0, 255),
    fails_in=st.sampled_from([None, None, "PROVISIONING", "PENDING"]),
    stop_code=st.sampled_from([None, None, "SpotInterruption", "InfrastructureHealth"]),
)


@share_of_examples(0.6)
@given(lives=st.lists(st.tuples(LIVES, st.none() | st.floats(0, 40)), min_size=1, max_size=5))
def test_no_script_and_no_stop_breaks_the_rules(lives: list[tuple[Behaviour, float | None]]) -> None:
    """Any lives, stopped at any moment: forward along the table, versions by one, a cause at the end."""
    world = SimulatedWorld()
    arns = []
    for behaviour, stop_after in lives:
        arn = world.start(behaviour=behaviour)
        arns.append(arn)
        if stop_after is not None or behaviour.run is None:
            stop = partial(world.ecs.stop_task, cluster=world.cluster, task=arn)
            world.clock.call_later(stop_after or 30, stop)
    world.clock.advance(500)
    for arn in arns:
        details = [event["detail"] for event in world.events(arn)]
        assert [detail["version"] for detail in details] == list(range(1, len(details) + 1))
        statuses = [status for status, _ in itertools.groupby(detail["lastStatus"] for detail in details)]
        assert all(after in NEXT[before] for before, after in itertools.pairwise(statuses))
        assert [RANK[status] for status in statuses] == sorted(RANK[status] for status in statuses)
        assert statuses[-1] == "STOPPED"
        assert details[-1]["stopCode"]
        assert details[-1]["containers"][0].get("exitCode") is None or "startedAt" in details[-1]
