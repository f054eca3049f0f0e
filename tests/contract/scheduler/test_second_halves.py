"""One try in several containers (sensors, deferred tasks), and a newer try besides an older one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from airflow_scheduler.worker import now, trigger_fires
from local_cloud import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

DEFERRED_OR_RESCHEDULED = 81


@pytest.fixture
def airflow(scheduler: Callable[..., Any]) -> Any:
    """A scheduler; ``airflow.run_id`` is a run whose only task runs, ``airflow.container`` its ECS task."""
    made = scheduler()
    made.run_id = made.trigger("one")
    made.container = made.run_until_running()
    made.its_worker = made.worker(made.run_id)
    made.its_worker.starts()
    return made


def _second_half_succeeds(airflow: Any) -> None:
    """The next part gets its own container and ends the task in the first try, without a failure."""
    _, second = airflow.run_until_launched(2)
    airflow.run(8)
    assert airflow.instance(airflow.run_id).external_executor_id == second.arn
    worker = airflow.worker(airflow.run_id)
    worker.starts()
    worker.succeeds()
    airflow.container_exits(second, 0)
    airflow.run(10)
    found = airflow.instance(airflow.run_id)
    assert (found.state, found.try_number) == ("success", 1)
    assert airflow.executor.slots_occupied == 0
    assert "state mismatch" not in dict(airflow.event_log(airflow.run_id))


def test_a_sensor_whose_next_poke_is_due_is_not_failed_by_its_last_container(airflow: Any) -> None:
    """The pool is full when the container of the last poke ends, and the task stays scheduled."""
    airflow.set_pool(0)
    airflow.its_worker.reschedules(now() - dt.timedelta(seconds=1))
    airflow.run(2)
    assert airflow.instance(airflow.run_id).state == "scheduled"
    airflow.container_exits(airflow.container, DEFERRED_OR_RESCHEDULED)
    airflow.run(10)
    assert airflow.instance(airflow.run_id).state == "scheduled"
    assert airflow.executor.slots_occupied == 0
    airflow.set_pool(128)
    _second_half_succeeds(airflow)


def test_a_sensor_pokes_again_after_its_container_has_ended(airflow: Any) -> None:
    """The usual order: the container ends before the next poke is due."""
    airflow.its_worker.reschedules(now() + dt.timedelta(minutes=5))
    airflow.container_exits(airflow.container, DEFERRED_OR_RESCHEDULED)
    airflow.run(10)
    assert airflow.instance(airflow.run_id).state == "up_for_reschedule"
    assert airflow.executor.slots_occupied == 0
    from airflow.models.taskreschedule import TaskReschedule  # noqa: PLC0415  Airflow's database
    from airflow.utils.session import create_session  # noqa: PLC0415  the same
    from sqlalchemy import update  # noqa: PLC0415  the same

    with create_session() as session:
        session.execute(update(TaskReschedule).values(reschedule_date=now() - dt.timedelta(seconds=1)))
    _second_half_succeeds(airflow)


@pytest.mark.parametrize("first", ["container", "trigger"])
def test_a_deferred_task_resumes_in_a_new_container(airflow: Any, first: str) -> None:
    """Whether the first container ends or the trigger fires first."""
    airflow.its_worker.defers()
    trigger = airflow.instance(airflow.run_id).trigger_id
    if first == "container":
        airflow.container_exits(airflow.container, DEFERRED_OR_RESCHEDULED)
        airflow.run(10)
        assert airflow.instance(airflow.run_id).state == "deferred"
        trigger_fires(trigger)
    else:
        trigger_fires(trigger)
        airflow.run(1)
        airflow.container_exits(airflow.container, DEFERRED_OR_RESCHEDULED)
    _second_half_succeeds(airflow)


def test_a_task_cleared_while_it_waits_for_capacity_runs_once(scheduler: Callable[..., Any]) -> None:
    """The older try is dropped; only the newer try has a container, and its id is stored."""
    airflow = scheduler()
    airflow.world.plane.faults.add(Fault("capacity"))
    run = airflow.trigger("retried")
    airflow.run(5)
    older = airflow.instance(run)
    assert older.state == "queued"
    airflow.clear(run)
    airflow.run(5)
    newer = airflow.instance(run)
    assert (newer.state, newer.try_number) == ("queued", 2)
    assert newer.external_executor_id != older.external_executor_id
    airflow.world.plane.faults.clear()
    airflow.run_until_launched()
    airflow.run(60, idle=5)
    (only,) = airflow.world.plane.tasks()
    assert only.started_by.endswith(newer.external_executor_id)
    assert airflow.instance(run).external_executor_id == only.arn
    assert airflow.executor.slots_occupied == 1


def test_the_container_of_a_key_that_airflow_fails_is_stopped(airflow: Any) -> None:
    """After a heartbeat timeout, the container does not run while the task is retried."""
    airflow.change(airflow.run_id, last_heartbeat_at=now() - dt.timedelta(hours=1))
    airflow.runner._find_and_purge_task_instances_without_heartbeats()
    airflow.run(15)
    assert airflow.instance(airflow.run_id).state == "failed"
    assert airflow.world.plane.task(airflow.container.arn).last_status == "STOPPED"
    assert airflow.executor.slots_occupied == 0
