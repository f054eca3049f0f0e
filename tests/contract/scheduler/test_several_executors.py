"""FargateExecutor together with other executors, and after them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from airflow.executors.executor_loader import ExecutorLoader

from airflow_scheduler.worker import now, trigger_fires
from contract_airflow import forget_executors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFERRED_OR_RESCHEDULED = 81


@pytest.fixture
def local(metadata: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Airflow's LocalExecutor, started; it has no workers until it has a task."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor,airflow_fargate.FargateExecutor")
    forget_executors()
    executor = ExecutorLoader.load_executor("LocalExecutor")
    executor.parallelism = 1  # it starts a process for each task that it may run at once
    executor.start()
    yield executor
    executor.end()


def test_a_task_that_names_the_class_runs_beside_local_executor(
    scheduler: Callable[..., Any], local: Any
) -> None:
    """Airflow gives it no id; it is launched once, and its ARN is recorded."""
    airflow = scheduler(before=[local])
    run = airflow.trigger("on_fargate")
    container = airflow.run_until_running()
    assert airflow.instance(run).external_executor_id == container.arn
    airflow.run(60, idle=10)
    assert len(airflow.world.plane.tasks()) == 1


@pytest.mark.parametrize("recorded", ["ARN", "launch id"])
def test_a_deferred_half_beside_local_executor_has_a_container_of_its_own(
    scheduler: Callable[..., Any], local: Any, recorded: str
) -> None:
    """The row still holds what the first half recorded when the second is queued: that is not the second's.

    Airflow drops the report of an ARN when another scheduler holds the row; then the launch id is left.
    """
    airflow = scheduler(before=[local])
    run = airflow.trigger("on_fargate")
    container = airflow.run_until_running()
    worker = airflow.worker(run)
    worker.starts()
    worker.defers()
    airflow.container_exits(container, DEFERRED_OR_RESCHEDULED)
    airflow.run(10)
    if recorded == "launch id":
        airflow.change(run, external_executor_id=container.started_by.rpartition("/")[2])
    trigger_fires(airflow.instance(run).trigger_id)
    _, second = airflow.run_until_launched(2)
    airflow.run(8)
    assert airflow.instance(run).external_executor_id == second.arn
    worker = airflow.worker(run)
    worker.starts()
    worker.succeeds()
    airflow.container_exits(second, 0)
    airflow.run(10)
    assert (airflow.instance(run).state, airflow.instance(run).try_number) == ("success", 1)


def test_a_task_left_by_celery_is_not_failed(scheduler: Callable[..., Any]) -> None:
    """A running task with Celery's UUID is left to Airflow."""
    celery = scheduler()
    run = celery.trigger("retried")
    celery.orphan(run, state="running", external_executor_id=str(uuid.uuid4()), last_heartbeat_at=now())
    new_scheduler = scheduler(previous=celery)
    new_scheduler.run(300, idle=10)
    assert new_scheduler.instance(run).state not in {"failed", "up_for_retry"}
    assert not [
        text for event, text in new_scheduler.event_log(run) if event in {"fargate", "state mismatch"}
    ]


def test_a_task_that_local_executor_runs_is_left_alone(scheduler: Callable[..., Any], local: Any) -> None:
    """Airflow never passes it to our executor."""
    dead = scheduler(before=[local])
    run = dead.trigger("one")
    dead.orphan(run, state="running", external_executor_id=str(uuid.uuid4()), last_heartbeat_at=now())
    airflow = scheduler(previous=dead, before=[local])
    airflow.executor.try_adopt_task_instances = mock.Mock(side_effect=AssertionError("not ours to adopt"))
    airflow.set_pool(0)
    airflow.run(5)
    assert airflow.executor.slots_occupied == 0
    assert airflow.world.plane.tasks() == ()
    assert airflow.instance(run).state == "scheduled"  # LocalExecutor cannot adopt: Airflow resets its tasks
