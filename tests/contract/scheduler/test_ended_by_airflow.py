"""Airflow orders a running task to end, which is not a failure of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.api.client import ServerResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

ENDED_BY_AIRFLOW = 82


@pytest.fixture
def airflow(scheduler: Callable[..., Any]) -> Any:
    """A scheduler; ``airflow.run_id`` is a run whose only task runs, ``airflow.container`` its ECS task."""
    made = scheduler()
    made.run_id = made.trigger("retried")
    made.container = made.run_until_running()
    made.its_worker = made.worker(made.run_id)
    made.its_worker.starts()
    return made


def _worker_ends(airflow: Any) -> None:
    """The API server rejects the next heartbeat; the worker ends its task and exits with 82."""
    with pytest.raises(ServerResponseError):
        airflow.its_worker.heartbeats()
    airflow.container_exits(airflow.container, ENDED_BY_AIRFLOW)
    airflow.run(10)


def _no_failure_is_told(airflow: Any) -> None:
    """Check that the event log has no failure of the executor."""
    assert not [text for event, text in airflow.event_log(airflow.run_id) if event.startswith("fargate")]
    assert not [text for _, text in airflow.event_log(airflow.run_id) if "finished with state failed" in text]


def test_a_cleared_task_is_launched_again_at_once(airflow: Any) -> None:
    """Without retry_delay (300 s) and without losing a try, as with LocalExecutor."""
    airflow.clear(airflow.run_id)
    assert airflow.instance(airflow.run_id).state == "restarting"
    _worker_ends(airflow)
    _, second = airflow.run_until_launched(2)
    airflow.run(3)
    found = airflow.instance(airflow.run_id)
    # process_executor_events: max_tries = try_number + retries, then a new try.
    assert (found.state, found.try_number, found.max_tries) == ("queued", 2, 1 + 2)
    assert found.external_executor_id == second.arn
    _no_failure_is_told(airflow)
    worker = airflow.worker(airflow.run_id)
    worker.starts()
    worker.succeeds()
    airflow.container_exits(second, 0)
    airflow.run(10)
    assert airflow.instance(airflow.run_id).state == "success"
    assert airflow.executor.slots_occupied == 0


@pytest.mark.parametrize("state", ["success", "failed", "skipped"])
def test_a_marked_task_keeps_its_mark(airflow: Any, state: str) -> None:
    """No failure is reported, and the slot is free."""
    airflow.change(airflow.run_id, state=state)
    _worker_ends(airflow)
    assert airflow.instance(airflow.run_id).state == state
    _no_failure_is_told(airflow)
    assert airflow.executor.slots_occupied == 0


def test_a_deleted_run_leaves_nothing_behind(airflow: Any) -> None:
    """No exception, no failure, and the slot is free."""
    airflow.delete_run(airflow.run_id)
    _worker_ends(airflow)
    _no_failure_is_told(airflow)
    assert airflow.executor.slots_occupied == 0
