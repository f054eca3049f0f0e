"""A task from its trigger to its end, with Airflow's own scheduler on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_task_runs_to_success(scheduler: Callable[..., Any]) -> None:
    """Queued with an id, launched once, the ARN recorded, success kept, the slot free."""
    airflow = scheduler()
    run = airflow.trigger("one")
    container = airflow.run_until_running()
    assert airflow.instance(run).external_executor_id == container.arn
    worker = airflow.worker(run)
    worker.starts()
    worker.succeeds()
    airflow.container_exits(container, 0)
    airflow.run(10)
    assert airflow.instance(run).state == "success"
    assert airflow.executor.slots_occupied == 0
    assert len(airflow.world.plane.tasks()) == 1
