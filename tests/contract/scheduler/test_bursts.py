"""Airflow's loop may sleep after it handled events, so no task or event may wait for its next turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = 400
TIMES = 10
"""Raised quotas, times AWS's default."""


@pytest.fixture
def airflow(scheduler: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scheduler with higher quotas and a large pool."""
    for name, value in {
        "RUN_TASK_RATE": 20,
        "RUN_TASK_BURST": 20,
        "LAUNCH_RATE": 20,
        "LAUNCH_BURST": 100,
    }.items():
        monkeypatch.setenv(f"AIRFLOW__FARGATE__{name}", str(value * TIMES))
    made = scheduler()
    made.set_pool(10_000)
    return made


def test_a_burst_is_handed_over_before_airflow_sleeps(airflow: Any) -> None:
    """Of four hundred tasks queued in one turn, none is in the executor's queue when the loop sleeps."""
    airflow.trigger("wide")
    airflow.run(2)
    assert airflow.executor.slots_occupied == TASKS
    assert max(airflow.waiting_at_sleep) == 0


def test_the_ends_of_a_burst_are_reported_at_once(airflow: Any) -> None:
    """Four hundred containers exit together, and every slot is free after two heartbeats."""
    run = airflow.trigger("wide")
    containers = airflow.run_until_launched(TASKS)
    airflow.run(8)
    airflow.set_all(state="success")
    for each in containers:
        airflow.container_exits(each, 0)
    airflow.run()
    airflow.run()
    assert airflow.executor.slots_occupied == 0
    assert airflow.states_of(run) == {"success": TASKS}
