"""From one scheduler to the next: exactly one container, whenever the first one ends."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from airflow_fargate.airflow_versions import RELEASE, is_launch_id
from contract_airflow import Scheduler
from local_cloud import Behaviour


def recorded(scheduler: Any, key: Any) -> str | None:
    """Return the last ``external_executor_id`` that the scheduler stored, from the QUEUED events."""
    written = [info for told, state, info in scheduler.events if told == key and state == "queued"]
    return written[-1] if written else None


@pytest.mark.point("an adopted running task counts as a slot, and its end is reported")
def test_adopted_tasks_take_slots_and_end(scheduler: Any, task: Any) -> None:
    """A task instance with an ARN is adopted and counted, and its end is reported."""
    scheduler.world.engine.default = Behaviour(run=60)
    one = task()
    scheduler.queue(one)
    scheduler.run(10)
    one.fields |= {"external_executor_id": recorded(scheduler, one.key), "state": "running"}
    new_scheduler = Scheduler(previous=scheduler)
    assert list(new_scheduler.executor.try_adopt_task_instances([one.row])) == []
    assert new_scheduler.executor.slots_occupied == 1
    new_scheduler.run(90)
    assert new_scheduler.states()[-1] == "success"
    assert new_scheduler.executor.slots_occupied == 0
    assert len(scheduler.world.plane.tasks()) == 1


@pytest.mark.point("a task without an id was never launched and is left to Airflow")
def test_a_task_without_an_id_is_left_to_airflow(scheduler: Any, task: Any) -> None:
    """It was never launched, and Airflow resets it."""
    row = task(external_executor_id=None).row
    assert list(scheduler.executor.try_adopt_task_instances([row])) == [row]
    assert scheduler.world.plane.tasks() == ()


@pytest.mark.point(
    "the launch id is in Airflow's database before the launch; it is clientToken and startedBy"
)
def test_the_launch_id_is_recorded_before_the_launch(scheduler: Any, task: Any) -> None:
    """Airflow stores it with QUEUED since 3.2.2; before, an event one heartbeat earlier does."""
    one = task()
    scheduler.queue(one)
    scheduler.heartbeat()
    launch_id = one.fields["external_executor_id"] or recorded(scheduler, one.key)
    assert is_launch_id(launch_id)
    if RELEASE < (3, 2, 2):
        scheduler.world.step(sync=False)
        assert scheduler.world.plane.tasks() == ()
    launched = scheduler.launch()
    assert launched.client_token == f"{launch_id}-0"
    assert launched.started_by == f"airflow/{launch_id}"


@pytest.mark.point(
    "launched before the scheduler died, and the ARN not recorded: the next scheduler finds the container"
)
def test_an_unrecorded_launch_is_found_by_the_next_scheduler(scheduler: Any, task: Any) -> None:
    """By the recorded launch id, without a new launch."""
    scheduler.world.engine.default = Behaviour(run=60)
    one = task()
    scheduler.queue(one)
    scheduler.launch()
    given = one.fields["external_executor_id"] or recorded(scheduler, one.key)
    assert is_launch_id(given)
    one.fields["external_executor_id"] = given
    new_scheduler = Scheduler(previous=scheduler)
    assert list(new_scheduler.executor.try_adopt_task_instances([one.row])) == []
    new_scheduler.run(120)
    assert new_scheduler.states()[-1] == "success"
    assert len(scheduler.world.plane.tasks()) == 1


@pytest.mark.point(
    "queued, and the scheduler died before the launch: the next scheduler launches it once", until=(3, 3)
)
def test_queued_and_never_launched_is_launched_by_the_heir(scheduler: Any, task: Any) -> None:
    """Its work is made anew, with the queue's profile and the recorded id.

    3.4 makes it from the database: ``test_scheduler_job_runner.py`` proves it there, as on the others.
    """
    one = task(queue="big")
    scheduler.queue(one)
    scheduler.heartbeat()
    one.fields["external_executor_id"] = one.fields["external_executor_id"] or recorded(scheduler, one.key)
    new_scheduler = Scheduler(previous=scheduler)
    assert list(new_scheduler.executor.try_adopt_task_instances([one.row])) == []
    new_scheduler.run(120)
    (launched,) = scheduler.world.plane.tasks()
    assert (launched.cpu, launched.started_by) == ("1024", f"airflow/{one.fields['external_executor_id']}")
    assert new_scheduler.states()[-1] == "success"


@pytest.mark.point("a task that resumes after deferral, in the same try, has its own container")
def test_a_resumed_try_has_another_container(scheduler: Any, task: Any) -> None:
    """With the same key and try number it has another launch id, and one container."""
    one = task()
    scheduler.queue(one)
    scheduler.run(30)
    arn = recorded(scheduler, one.key)
    again = task(external_executor_id=str(uuid.uuid4()) if RELEASE >= (3, 2, 2) else arn, id=one.fields["id"])
    scheduler.queue(again)
    scheduler.run(30)
    assert scheduler.states() == ["queued", "success"] * 2
    assert len({each.started_by for each in scheduler.world.plane.tasks()}) == 2
    assert len(scheduler.world.plane.tasks()) == 2


@pytest.mark.point("a task revoked before its launch is not launched")
def test_a_task_revoked_before_the_launch_is_not_launched(scheduler: Any, task: Any) -> None:
    """Also while its launch id is being stored."""
    one = task()
    scheduler.queue(one)
    scheduler.heartbeat()
    scheduler.executor.revoke_task(ti=one.row)
    scheduler.run(20)
    assert scheduler.world.plane.tasks() == ()
    assert scheduler.states() == []
    assert scheduler.executor.slots_occupied == 0
