"""Restarting: what a scheduler left behind is found, and nothing runs twice."""

from __future__ import annotations

from collections import Counter

from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour, EventFaults, fails_to_start
from scenarios.world import World


def test_a_running_task_is_adopted_by_its_arn() -> None:
    """Recorded and running: the next scheduler describes it once and hears its end."""
    world = World(Behaviour(run=100))
    key = world.launch()
    world.run(20)
    (arn,) = world.reports(key)
    heir = world.scheduler()
    heir.adopt(key, arn, arn=arn)
    world.run(120, heir)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]
    assert len(heir.registry) == 0


def test_a_second_launch_that_nobody_recorded_is_found() -> None:
    """The recorded container never ran, another was launched, the scheduler died: that one is followed."""
    world = World(Behaviour(run=100))
    world.engine.next_behaviours.append(fails_to_start())
    key = world.launch()
    world.run(4)
    (first,) = world.reports(key)
    world.clock.advance(2)
    world.step(sync=False)
    assert len(world.plane.tasks()) == 2
    heir = world.scheduler()
    heir.adopt(key, first, arn=first)
    world.run(200, heir)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert world.reports(key)[-1] == world.plane.tasks()[1].arn
    assert len(heir.registry) == 0


def test_a_recorded_container_that_never_ran_and_was_the_only_one_is_told() -> None:
    """The heir looks for another, finds none, and says what became of this one: Airflow decides."""
    world = World()
    world.engine.next_behaviours.append(fails_to_start())
    key = world.launch()
    world.step()
    (first,) = world.reports(key)
    heir = world.scheduler()
    heir.adopt(key, first, arn=first)
    world.run(60, heir)
    assert "did not start" in str(world.finish(key).verdict.diagnosis)
    assert len(world.plane.tasks()) == 1
    assert len(heir.registry) == 0


def test_a_task_that_ended_meanwhile_is_told_of() -> None:
    """It ended while no scheduler was there: its exit code is found."""
    world = World(Behaviour(exit_code=80))
    key = world.launch()
    world.step()
    world.clock.advance(300)
    (arn,) = [task.arn for task in world.plane.tasks()]
    heir = world.scheduler()
    heir.adopt(key, arn, arn=arn)
    world.run(10, heir)
    assert world.finish(key).verdict.diagnosis.exit_code == 80


def test_launched_and_never_recorded_is_found_by_its_launch_id() -> None:
    """The scheduler died between RunTask and the report: the container is adopted, not doubled."""
    world = World(Behaviour(run=100))
    key = world.launch()
    world.step(sync=False)
    heir = world.scheduler()
    launch = world.a_launch(key)
    heir.adopt(key, launch.launch_id, launch=launch)
    world.run(160, heir)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_found_blind_it_is_still_not_doubled() -> None:
    """Even when the search does not see the young container: AWS answers the same token with it."""
    world = World(Behaviour(run=100))
    key = world.launch()
    world.step(sync=False)
    world.plane.faults.describe_lag = 30.0
    heir = world.scheduler()
    launch = world.a_launch(key)
    heir.adopt(key, launch.launch_id, launch=launch)
    world.run(160, heir)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_queued_and_never_launched_is_launched() -> None:
    """The scheduler died before RunTask: the heir launches it, once."""
    world = World()
    key = world.launch()
    heir = world.scheduler()
    launch = world.a_launch(key)
    heir.adopt(key, launch.launch_id, launch=launch)
    world.run(60, heir)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_two_hundred_launches_survive_a_killed_scheduler() -> None:
    """Killed half-way through: no orphan, no second container, every task ends."""
    world = World(Behaviour(run=(20.0, 90.0)), run_task_burst=10, run_task_rate=10.0)
    keys = [world.launch() for _ in range(200)]
    for _ in range(8):
        world.step(sync=False)
        world.clock.advance(1)
    heir = world.scheduler()
    for key in keys:
        launch = world.a_launch(key)
        heir.adopt(key, launch.launch_id, launch=launch)
    world.run(400, heir)
    assert world.succeeded() == 200
    assert set(world.containers().values()) == {1}
    assert len(world.containers()) == 200
    assert len(heir.registry) == 0


def test_a_task_whose_record_expired_is_not_launched_again() -> None:
    """Gone from ECS for longer than its record lives: failed, said to be unknown, never repeated."""
    world = World()
    world.plane.faults.events = EventFaults(lost=1.0)
    key = world.launch()
    world.step()
    (arn,) = [task.arn for task in world.plane.tasks()]
    world.clock.advance(3 * 3600)
    heir = world.scheduler()
    heir.adopt(key, arn, arn=arn)
    world.run(400, heir)
    verdict = world.finish(key).verdict
    assert verdict.outcome is Outcome.FAILED
    assert "is unknown" in str(verdict.diagnosis)
    assert len(world.plane.tasks()) == 1


def test_a_thousand_launches_that_nobody_recorded_are_found_in_seconds() -> None:
    """They are looked for in the list of the cluster's tasks and not one by one, which took three minutes."""
    world = World(Behaviour(run=600.0), run_task_burst=1000, run_task_rate=1000.0, launch_burst=1000)
    keys = [world.launch() for _ in range(1000)]
    while len(world.plane.tasks()) < 1000:
        world.step(sync=False)
        world.clock.advance(1)
    heir, asked = world.scheduler(), Counter(world.plane.calls)
    for key in keys:
        launch = world.a_launch(key)
        heir.adopt(key, launch.launch_id, launch=launch)
    world.run(5, heir)
    calls = Counter(world.plane.calls) - asked
    assert all(heir.registry.get(key).arn for key in keys)  # type: ignore[union-attr]
    assert calls["ListTasks"] <= 12
    assert calls["DescribeTasks"] <= 24
    assert set(world.containers().values()) == {1}
