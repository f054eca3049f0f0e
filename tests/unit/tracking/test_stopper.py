"""StopTask is repeated until AWS accepts it, up to a limit."""

from __future__ import annotations

import pytest

from airflow_fargate.testing import FakeEcs
from airflow_fargate.tracking.stopper import Stopper
from aws_model import modelled
from unit.examples import client_error


def a_stopper(ecs: FakeEcs) -> Stopper:
    """Return a stopper on a fake cluster."""
    return Stopper({"ecs": modelled("ecs", ecs)}.__getitem__, "airflow")


def test_a_task_is_stopped_once() -> None:
    """With its reason, cut to AWS's limit."""
    ecs = FakeEcs()
    arn = ecs.run_task()["tasks"][0]["taskArn"]
    stopper = a_stopper(ecs)
    assert stopper.run_one() > 0
    stopper.ask(arn, "x" * 1000)
    assert stopper.run_one() == 0.0
    assert stopper.run_one() > 0
    assert ecs.stops == [(arn, "x" * 255)]


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (client_error("ThrottlingException"), 8),
        (client_error("ServerException", "", 500), 8),
        (OSError("no route"), 8),
        (client_error("InvalidParameterException", "The referenced task was not found."), 1),
    ],
)
def test_transient_errors_are_retried(error: Exception, calls: int, caplog: pytest.LogCaptureFixture) -> None:
    """After a pause each time; giving up is logged."""
    ecs = FakeEcs()
    count = 0

    def stop_task(**_: object) -> None:
        nonlocal count
        count += 1
        raise error

    ecs.stop_task = stop_task  # type: ignore[method-assign,assignment]
    stopper = a_stopper(ecs)
    stopper.ask("arn", "cleared")
    pauses = [stopper.run_one() for _ in range(20)]
    assert count == calls
    assert all(pause > 0 for pause in pauses[: calls - 1])
    assert "was not stopped" in caplog.text


def test_a_rejected_stop_affects_no_other() -> None:
    """It goes to the end of the queue."""
    ecs = FakeEcs()
    first, second = (ecs.run_task()["tasks"][0]["taskArn"] for _ in range(2))
    stop, failed = ecs.stop_task, list[str]()

    def stop_task(**request: str) -> object:
        if not failed:
            failed.append(request["task"])
            raise client_error("ThrottlingException")
        return stop(**request)

    ecs.stop_task = stop_task  # type: ignore[method-assign,assignment]
    stopper = a_stopper(ecs)
    stopper.ask(first, "a")
    stopper.ask(second, "b")
    for _ in range(3):
        stopper.run_one()
    assert [arn for arn, _ in ecs.stops] == [second, first]
