"""The next scheduler adopts the tasks of one that ended, in Airflow's own adoption loop."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError

from airflow_scheduler.scheduler import selects
from airflow_scheduler.worker import now

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, TASKS = 50, 40


def _two_running_two_queued(scheduler: Callable[..., Any]) -> tuple[Any, list[str], list[str]]:
    """A scheduler that ended, with two tasks in containers and two only queued."""
    dead = scheduler()
    running = [dead.trigger("one"), dead.trigger("one")]
    dead.run_until_launched(2)
    dead.run(8)
    for run in running:
        dead.worker(run).starts()
    queued = [dead.trigger("one"), dead.trigger("retried")]
    dead.run()
    assert [dead.instance(run).state for run in queued] == ["queued", "queued"]
    dead.dies()
    return dead, running, queued


def _all_are_adopted(new_scheduler: Any, running: list[str], queued: list[str], containers: int) -> None:
    """Running tasks continue, queued tasks are launched, and nothing runs twice."""
    launched = new_scheduler.run_until_launched(containers)
    new_scheduler.run(8)
    assert [new_scheduler.instance(run).state for run in running] == ["running"] * len(running)
    arns = {new_scheduler.instance(run).external_executor_id for run in [*running, *queued]}
    assert len(arns) == len(running) + len(queued)
    assert arns <= {task.arn for task in launched}
    assert {new_scheduler.instance(run).queued_by_job_id for run in [*running, *queued]} == {
        new_scheduler.job.id
    }


def test_a_row_that_cannot_be_read_affects_no_other(
    scheduler: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception for one task instance resets at most that one."""
    dead, running, queued = _two_running_two_queued(scheduler)
    bad = dead.instance(queued.pop()).id
    key = TaskInstance.key.fget

    def raising(self: Any) -> Any:
        if self.id == bad:
            raise RuntimeError("this row cannot be read")
        return key(self)

    new_scheduler = scheduler(previous=dead)
    with monkeypatch.context() as patched:
        patched.setattr(TaskInstance, "key", property(raising))
        new_scheduler.runner.adopt_or_reset_orphaned_tasks()
    new_scheduler.run(2)
    _all_are_adopted(new_scheduler, running, queued, containers=4)


def test_a_database_error_reaches_airflow_which_tries_again(scheduler: Callable[..., Any]) -> None:
    """Airflow retries an OperationalError, and nothing is reset."""
    from airflow import settings  # noqa: PLC0415  its engine changes with the database

    dead, running, queued = _two_running_two_queued(scheduler)
    new_scheduler = scheduler(previous=dead)
    adopt, armed = new_scheduler.executor.try_adopt_task_instances, [True]

    def fail_once(*_: Any) -> None:
        if armed:
            armed.clear()
            raise OperationalError("SELECT", {}, Exception("server closed the connection unexpectedly"))

    def adopt_with_a_failing_database(tis: Any) -> Any:
        event.listen(settings.engine, "before_cursor_execute", fail_once)
        try:
            return adopt(tis)
        finally:
            event.remove(settings.engine, "before_cursor_execute", fail_once)

    new_scheduler.executor.try_adopt_task_instances = adopt_with_a_failing_database
    new_scheduler.runner.adopt_or_reset_orphaned_tasks()
    assert not armed
    _all_are_adopted(new_scheduler, running, queued, containers=4)


def _orphans(airflow: Any, dag_id: str, runs: int) -> None:
    """Give every task of these runs to a scheduler that ended: half running, half only queued."""
    for _ in range(runs):
        airflow.trigger(dag_id)
    common = {"queued_by_job_id": airflow.job.id, "queued_dttm": now(), "try_number": 1}
    arn = func.concat(
        "arn:aws:ecs:us-east-1:123456789012:task/airflow/",
        func.md5(TaskInstance.run_id + TaskInstance.task_id),
    )
    uuid = func.cast(func.gen_random_uuid(), TaskInstance.external_executor_id.type)
    half = TaskInstance.id.in_(
        select(TaskInstance.id).order_by(TaskInstance.id).limit(runs * TASKS // 2).scalar_subquery()
    )
    with create_session() as session:
        changed = update(TaskInstance).execution_options(synchronize_session=False)
        session.execute(changed.values(state="queued", external_executor_id=uuid, **common))
        session.execute(
            changed.where(half).values(
                state="running", external_executor_id=arn, last_heartbeat_at=now(), **common
            )
        )
    with create_session() as session:
        session.execute(update(DagRun).values(state="running"))
    airflow.dies()


def test_adoption_makes_one_select_per_thousand_rows(scheduler: Callable[..., Any]) -> None:
    """Including the columns that Airflow's loop reads afterwards."""
    dead = scheduler()
    _orphans(dead, "forty", RUNS)
    new_scheduler = scheduler(previous=dead)
    adopt = new_scheduler.executor.try_adopt_task_instances

    def adopt_counted(tis: Any) -> Any:
        # What Airflow's loop reads before it calls us is its own: `executor`, row by row.
        seen.clear()
        return adopt(tis)

    new_scheduler.executor.try_adopt_task_instances = adopt_counted
    with selects() as seen:
        assert new_scheduler.runner.adopt_or_reset_orphaned_tasks() == 0
    assert new_scheduler.executor.slots_occupied == RUNS * TASKS
    assert len(seen) <= RUNS * TASKS // 1000, "\n".join(text[:300] for text in seen[:10])


@pytest.mark.parametrize("age", [dt.timedelta(minutes=51), dt.timedelta(days=2)], ids=str)
def test_an_old_queued_task_is_launched(scheduler: Callable[..., Any], age: dt.timedelta) -> None:
    """It is searched for, not found, launched, and not failed."""
    dead = scheduler()
    run = dead.trigger("one")
    dead.run()
    assert dead.instance(run).state == "queued"
    assert dead.world.plane.tasks() == ()
    dead.change(run, queued_dttm=now() - age)
    dead.dies()
    new_scheduler = scheduler(previous=dead)
    (launched,) = new_scheduler.run_until_launched()
    new_scheduler.run(200, idle=10)
    assert len(new_scheduler.world.plane.tasks()) == 1
    found = new_scheduler.instance(run)
    assert (found.state, found.try_number) == ("queued", 1)
    assert found.external_executor_id == launched.arn
