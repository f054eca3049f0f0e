"""Text from a container or from AWS that PostgreSQL cannot store does not stop the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local_cloud import Behaviour, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = {
    "NUL": "before \x00 after",
    "lone surrogate": "before \ud800 after",
    "megabytes": "before " + "x" * 3_000_000,
}
LONGEST = 20_000
"""Characters of one event in Airflow's log, at most."""
texts = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def _failed_readably(airflow: Any, run: str) -> None:
    """The task failed once, and its event is short and readable."""
    assert airflow.instance(run).state == "failed"
    told = [text for event, text in airflow.event_log(run) if event == "state mismatch"]
    assert len(told) == 1
    assert "before" in told[0]
    own = [text for event, text in airflow.event_log(run) if event == "fargate"]
    assert len(own) == 1
    assert "before" in own[0]
    assert max(len(text) for text in [*told, *own]) <= LONGEST
    assert airflow.executor.slots_occupied == 0


@texts
def test_the_scheduler_survives_any_last_line_of_a_log(scheduler: Callable[..., Any], text: str) -> None:
    """The end of a killed container's log reaches Airflow's log table."""
    airflow = scheduler()
    run = airflow.trigger("one")
    container = airflow.run_until_running()
    airflow.worker(run).starts()
    airflow.writes_last("an ordinary line", text)
    airflow.container_exits(container, 137)
    airflow.run(20, idle=2)
    _failed_readably(airflow, run)


@texts
def test_the_scheduler_survives_any_stopped_reason(scheduler: Callable[..., Any], text: str) -> None:
    """ECS's reason reaches Airflow's log table."""
    stopped = Behaviour(run=15, stop_code="TerminationNotice", stopped_reason=text, stop_exit_code=143)
    airflow = scheduler(behaviour=stopped)
    run = airflow.trigger("one")
    airflow.run_until_running()
    airflow.worker(run).starts()
    airflow.run(40, idle=4)
    _failed_readably(airflow, run)


@texts
def test_the_scheduler_survives_any_error_of_run_task(scheduler: Callable[..., Any], text: str) -> None:
    """AWS's message reaches Airflow's log table."""
    airflow = scheduler()
    code = "InvalidParameterException"
    airflow.world.plane.faults.add(
        Fault("error", operations=("RunTask",), code=code, message=text, status=400)
    )
    run = airflow.trigger("one")
    airflow.run(20, idle=2)
    _failed_readably(airflow, run)
