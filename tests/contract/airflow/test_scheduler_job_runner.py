"""Airflow's own scheduler on its own database drives the executor; no part of Airflow is faked."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.airflow_versions import is_launch_id
from local_cloud import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_runner import RunnerScheduler

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database() -> None:
    """Airflow's tables in SQLite, with a DAG of one task."""
    from contract_runner import make_database  # noqa: PLC0415  imports Airflow

    make_database()


@pytest.fixture
def own_scheduler(database: None, caplog: pytest.LogCaptureFixture) -> Iterator[RunnerScheduler]:
    """The scheduler; it leaves no run behind, and the executor logs no failure."""
    from contract_runner import RunnerScheduler  # noqa: PLC0415  imports Airflow

    scheduler = RunnerScheduler()
    scheduler.world.engine.default = Behaviour(run=5)
    yield scheduler
    scheduler.gives_up_all()
    assert "failed while" not in caplog.text


@pytest.fixture
def run_id() -> str:
    """A run name that no other test uses."""
    return f"run-{next(_numbers)}"


def _finish(scheduler: Any, run_id: str) -> None:
    """Let the container and its task end."""
    scheduler.works(run_id)
    scheduler.succeeds(run_id)
    scheduler.run(12)


@pytest.mark.point("driven by Airflow's own `SchedulerJobRunner`: one container, the ARN in the database")
def test_airflows_own_scheduler_runs_a_task(own_scheduler: Any, run_id: str) -> None:
    """Queued with an id, launched once, the ARN recorded, and nothing left."""
    own_scheduler.trigger(run_id)
    launched = own_scheduler.launch()
    own_scheduler.loop()
    own_scheduler.loop()
    assert own_scheduler.instance(run_id).external_executor_id == launched.arn
    _finish(own_scheduler, run_id)
    assert own_scheduler.instance(run_id).state == "success"
    assert len(own_scheduler.world.plane.tasks()) == 1
    assert own_scheduler.executor.slots_occupied == 0


@pytest.mark.point("queued, and the scheduler died before the launch: the next scheduler launches it once")
def test_a_task_that_was_only_queued_is_launched_once(own_scheduler: Any, run_id: str) -> None:
    """The next scheduler finds its id and no container, and rebuilds the work from the database."""
    from contract_runner import RunnerScheduler  # noqa: PLC0415  imports Airflow

    own_scheduler.trigger(run_id)
    queued = own_scheduler.queue_one(run_id)
    assert is_launch_id(queued.external_executor_id)
    own_scheduler.dies()
    new_scheduler = RunnerScheduler(previous=own_scheduler)
    new_scheduler.run(20)
    (launched,) = own_scheduler.world.plane.tasks()
    assert (launched.cpu, launched.started_by) == ("1024", f"airflow/{queued.external_executor_id}")
    assert new_scheduler.instance(run_id).external_executor_id == launched.arn


@pytest.mark.point(
    "launched before the scheduler died, and the ARN not recorded: the next scheduler finds the container"
)
def test_a_launched_task_is_found_by_the_next_scheduler(own_scheduler: Any, run_id: str) -> None:
    """Its ARN is not in the database, so it is found by its id and not launched again."""
    from contract_runner import RunnerScheduler  # noqa: PLC0415  imports Airflow

    own_scheduler.trigger(run_id)
    own_scheduler.world.engine.default = Behaviour(run=None)
    launched = own_scheduler.launch()
    assert is_launch_id(own_scheduler.instance(run_id).external_executor_id)
    own_scheduler.dies()
    new_scheduler = RunnerScheduler(previous=own_scheduler)
    new_scheduler.run(20)
    assert [each.arn for each in own_scheduler.world.plane.tasks()] == [launched.arn]
    assert new_scheduler.instance(run_id).external_executor_id == launched.arn
    assert new_scheduler.executor.slots_occupied == 1
