"""From one scheduler to the next: exactly one container, whichever moment the first one died at."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from airflow_fargate.airflow_versions import RELEASE, is_launch_id
from contract_airflow import Scheduler
from local_cloud import Behaviour


def recorded(scheduler: Any, key: Any) -> str | None:
    """Return what the scheduler wrote into ``external_executor_id``: the info of the last QUEUED event."""
    written = [info for told, state, info in scheduler.events if told == key and state == "queued"]
    return written[-1] if written else None


@pytest.mark.point("adoption of a running task: counted as a slot, its end is told")
def test_adopted_tasks_take_slots_and_end(scheduler: Any, task: Any) -> None:
    """A task instance with an ARN is adopted, counted, and its end is told."""
    scheduler.world.engine.default = Behaviour(run=60)
    one = task()
    scheduler.queue(one)
    scheduler.run(10)
    one.fields |= {"external_executor_id": recorded(scheduler, one.key), "state": "running"}
    heir = Scheduler(predecessor=scheduler)
    assert list(heir.executor.try_adopt_task_instances([one.row])) == []
    assert heir.executor.slots_occupied == 1
    heir.run(90)
    assert heir.states()[-1] == "success"
    assert heir.executor.slots_occupied == 0
    assert len(scheduler.world.plane.tasks()) == 1


@pytest.mark.point("what was never launched and has no id is left to Airflow")
def test_what_has_no_id_is_left_to_airflow(scheduler: Any, task: Any) -> None:
    """A task instance that never got an id was never launched: Airflow resets it."""
    row = task(external_executor_id=None).row
    assert list(scheduler.executor.try_adopt_task_instances([row])) == [row]
    assert scheduler.world.plane.tasks() == ()


@pytest.mark.point(
    "the launch id is in Airflow's database before the launch; it is clientToken and startedBy"
)
def test_the_launch_id_is_recorded_before_the_launch(scheduler: Any, task: Any) -> None:
    """Written with QUEUED by Airflow itself since 3.2.2; told by an event, a heartbeat earlier, before."""
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
    "launched, and the scheduler died before it was told the ARN: the heir finds it, one container"
)
def test_launched_and_never_told_is_found_by_the_heir(scheduler: Any, task: Any) -> None:
    """The heir looks by the recorded launch id, and launches nothing."""
    scheduler.world.engine.default = Behaviour(run=60)
    one = task()
    scheduler.queue(one)
    scheduler.launch()
    given = one.fields["external_executor_id"] or recorded(scheduler, one.key)
    assert is_launch_id(given)
    one.fields["external_executor_id"] = given
    heir = Scheduler(predecessor=scheduler)
    assert list(heir.executor.try_adopt_task_instances([one.row])) == []
    heir.run(120)
    assert heir.states()[-1] == "success"
    assert len(scheduler.world.plane.tasks()) == 1


@pytest.mark.point(
    "queued, and the scheduler died before the launch: the heir launches it, once", until=(3, 3)
)
def test_queued_and_never_launched_is_launched_by_the_heir(scheduler: Any, task: Any) -> None:
    """Its work is made anew, with the queue's profile and the recorded id.

    3.4 makes it from the database: ``test_scheduler_job_runner.py`` proves it there, as on the others.
    """
    one = task(queue="big")
    scheduler.queue(one)
    scheduler.heartbeat()
    one.fields["external_executor_id"] = one.fields["external_executor_id"] or recorded(scheduler, one.key)
    heir = Scheduler(predecessor=scheduler)
    assert list(heir.executor.try_adopt_task_instances([one.row])) == []
    heir.run(120)
    (launched,) = scheduler.world.plane.tasks()
    assert (launched.cpu, launched.started_by) == ("1024", f"airflow/{one.fields['external_executor_id']}")
    assert heir.states()[-1] == "success"


@pytest.mark.point("a task that resumes after deferral, with the same try, has a container of its own")
def test_a_resumed_try_has_another_container(scheduler: Any, task: Any) -> None:
    """Same key, same try number: another launch id, so another container, and one."""
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
def test_revoked_before_the_launch_is_not_launched(scheduler: Any, task: Any) -> None:
    """Also while its launch id is on the way into the database."""
    one = task()
    scheduler.queue(one)
    scheduler.heartbeat()
    scheduler.executor.revoke_task(ti=one.row)
    scheduler.run(20)
    assert scheduler.world.plane.tasks() == ()
    assert scheduler.states() == []
    assert scheduler.executor.slots_occupied == 0
