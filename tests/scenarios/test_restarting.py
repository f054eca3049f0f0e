"""Restarts: the tasks of the previous scheduler are found, and nothing runs twice."""

from __future__ import annotations

from collections import Counter

from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour, EventFaults, fails_to_start
from scenarios.world import World


def test_a_running_task_is_adopted_by_its_arn() -> None:
    """The new scheduler describes it once and receives its end."""
    world = World(Behaviour(run=100))
    key = world.launch()
    world.run(20)
    (arn,) = world.reports(key)
    new_scheduler = world.scheduler()
    new_scheduler.adopt(key, arn, arn=arn)
    world.run(120, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]
    assert len(new_scheduler.registry) == 0


def test_an_unrecorded_second_launch_is_found() -> None:
    """The recorded container never ran, and another was launched before the scheduler ended."""
    world = World(Behaviour(run=100))
    world.engine.next_behaviours.append(fails_to_start())
    key = world.launch()
    world.run(4)
    (first,) = world.reports(key)
    world.clock.advance(2)
    world.step(sync=False)
    assert len(world.plane.tasks()) == 2
    new_scheduler = world.scheduler()
    new_scheduler.adopt(key, first, arn=first)
    world.run(200, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert world.reports(key)[-1] == world.plane.tasks()[1].arn
    assert len(new_scheduler.registry) == 0


def test_a_recorded_container_that_never_ran_is_reported() -> None:
    """The new scheduler finds no other container, and Airflow decides about a retry."""
    world = World()
    world.engine.next_behaviours.append(fails_to_start())
    key = world.launch()
    world.step()
    (first,) = world.reports(key)
    new_scheduler = world.scheduler()
    new_scheduler.adopt(key, first, arn=first)
    world.run(60, new_scheduler)
    assert "did not start" in str(world.finish(key).verdict.diagnosis)
    assert len(world.plane.tasks()) == 1
    assert len(new_scheduler.registry) == 0


def test_a_task_that_ended_meanwhile_is_reported() -> None:
    """Its exit code is found."""
    world = World(Behaviour(exit_code=80))
    key = world.launch()
    world.step()
    world.clock.advance(300)
    (arn,) = [task.arn for task in world.plane.tasks()]
    new_scheduler = world.scheduler()
    new_scheduler.adopt(key, arn, arn=arn)
    world.run(10, new_scheduler)
    assert world.finish(key).verdict.diagnosis.exit_code == 80


def test_an_unrecorded_launch_is_found_by_its_launch_id() -> None:
    """The scheduler ended between RunTask and the report; the container is adopted."""
    world = World(Behaviour(run=100))
    key = world.launch()
    world.step(sync=False)
    new_scheduler = world.scheduler()
    launch = world.a_launch(key)
    new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(160, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_an_unlisted_launch_is_not_doubled() -> None:
    """AWS returns it for the same token."""
    world = World(Behaviour(run=100))
    key = world.launch()
    world.step(sync=False)
    world.plane.faults.describe_lag = 30.0
    new_scheduler = world.scheduler()
    launch = world.a_launch(key)
    new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(160, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_a_queued_task_that_was_not_launched_is_launched() -> None:
    """Once, by the new scheduler."""
    world = World()
    key = world.launch()
    new_scheduler = world.scheduler()
    launch = world.a_launch(key)
    new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(60, new_scheduler)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_two_hundred_launches_survive_a_killed_scheduler() -> None:
    """Killed half-way: no orphan, no second container, and every task ends."""
    world = World(Behaviour(run=(20.0, 90.0)), run_task_burst=10, run_task_rate=10.0)
    keys = [world.launch() for _ in range(200)]
    for _ in range(8):
        world.step(sync=False)
        world.clock.advance(1)
    new_scheduler = world.scheduler()
    for key in keys:
        launch = world.a_launch(key)
        new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(400, new_scheduler)
    assert world.succeeded() == 200
    assert set(world.containers().values()) == {1}
    assert len(world.containers()) == 200
    assert len(new_scheduler.registry) == 0


def test_a_task_whose_record_expired_is_not_launched_again() -> None:
    """ECS has forgotten it: it fails with an unknown outcome."""
    world = World()
    world.plane.faults.events = EventFaults(lost=1.0)
    key = world.launch()
    world.step()
    (arn,) = [task.arn for task in world.plane.tasks()]
    world.clock.advance(3 * 3600)
    new_scheduler = world.scheduler()
    new_scheduler.adopt(key, arn, arn=arn)
    world.run(400, new_scheduler)
    verdict = world.finish(key).verdict
    assert verdict.outcome is Outcome.FAILED
    assert "is unknown" in str(verdict.diagnosis)
    assert len(world.plane.tasks()) == 1


def test_a_thousand_unrecorded_launches_are_found_in_seconds() -> None:
    """By listing the cluster's tasks instead of single searches, which took three minutes."""
    world = World(Behaviour(run=600.0), run_task_burst=1000, run_task_rate=1000.0, launch_burst=1000)
    keys = [world.launch() for _ in range(1000)]
    while len(world.plane.tasks()) < 1000:
        world.step(sync=False)
        world.clock.advance(1)
    new_scheduler, asked = world.scheduler(), Counter(world.plane.calls)
    for key in keys:
        launch = world.a_launch(key)
        new_scheduler.adopt(key, launch.launch_id, launch=launch)
    world.run(5, new_scheduler)
    calls = Counter(world.plane.calls) - asked
    assert all(new_scheduler.registry.get(key).arn for key in keys)  # type: ignore[union-attr]
    assert calls["ListTasks"] <= 12
    assert calls["DescribeTasks"] <= 24
    assert set(world.containers().values()) == {1}
