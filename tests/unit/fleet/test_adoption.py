"""Adopting the tasks of a scheduler that ended."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_fargate import airflow_versions
from airflow_fargate.errors import TaskOptionsError
from airflow_fargate.fleet import adoption
from unit.examples import ARN, a_launch, launch_id

NOW = dt.datetime.now(tz=dt.timezone.utc)


class Fleet:
    """Records what it adopts; ``held`` are the keys that it has."""

    def __init__(self, *held: str) -> None:
        self.registry = {key: object() for key in held}
        self.given: list[tuple[Any, ...]] = []
        self.unlaunchable = ""

    def adopt(  # noqa: PLR0913, PLR0917  the fleet's signature
        self,
        key: Any,
        launch_id: str,
        arn: str = "",
        launch: Any = None,
        subject: Any = None,
        unlaunchable: str = "",
    ) -> None:
        if key == "broken":
            raise RuntimeError("a fault")
        if key == "no database":
            raise airflow_versions.OperationalError("SELECT", {}, Exception("gone"))
        self.given.append((key, launch_id, arn, launch))
        self.unlaunchable = unlaunchable

    def supersede(self, subject: Any, key: Any) -> list[Any]:
        return []


def ti(key: str = "key-1", external: str | None = ARN, state: str = "running", age: float = 10) -> Any:
    """Adopt; return the rest, and the slots."""
    queued = NOW - dt.timedelta(seconds=age)
    return SimpleNamespace(key=key, external_executor_id=external, state=state, queued_dttm=queued)


@pytest.fixture(autouse=True)
def _workloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_versions.Rebuilder, "work", lambda self, ti: ti)


def adopt(
    fleet: Fleet, *tis: Any, launch_of: Any = lambda workload: a_launch()
) -> tuple[list[Any], set[Any]]:
    """Adopt; return what is left, and the slots."""
    running: set[Any] = set()
    return adoption.adopt(tis, fleet, running, launch_of), running  # type: ignore[arg-type]


def test_a_recorded_arn_is_adopted_and_takes_a_slot() -> None:
    """It is described later, and nothing is launched."""
    fleet = Fleet()
    assert adopt(fleet, ti()) == ([], {"key-1"})
    assert fleet.given == [("key-1", ARN, ARN, None)]


def test_a_tracked_task_is_adopted_once() -> None:
    """Airflow passes it every five minutes."""
    fleet = Fleet("key-1")
    assert adopt(fleet, ti()) == ([], {"key-1"})
    assert fleet.given == []


@pytest.mark.parametrize("external", [None, "", "celery-task-id"])
def test_a_task_without_our_id_is_not_adopted(external: str | None) -> None:
    """Airflow resets it."""
    offered = ti(external=external)
    assert adopt(Fleet(), offered) == ([offered], set())


@pytest.mark.parametrize(("state", "launches"), [("queued", True), ("running", False)])
@pytest.mark.parametrize("age", [10, 3600, 86400])
def test_a_queued_task_may_be_launched_after_a_long_outage(
    state: str,
    launches: bool,  # noqa: FBT001
    age: float,
) -> None:
    """Nothing of it has run, or Airflow would have it as running."""
    fleet = Fleet()
    adopt(fleet, ti(external=launch_id(), state=state, age=age))
    ((_, _, arn, launch),) = fleet.given
    assert arn == ""
    assert (launch is not None) is launches


def test_a_task_that_fails_to_be_adopted_affects_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is left to Airflow and logged; the others are adopted."""
    fleet = Fleet()
    left, running = adopt(fleet, ti("broken"), ti())
    assert [each.key for each in left] == ["broken"]
    assert running == {"key-1"}
    assert "Adopting a task failed" in caplog.text


def test_a_row_that_cannot_be_read_affects_no_other() -> None:
    """Even reading its key may raise."""

    class Row:
        @property
        def state(self) -> str:
            return "running"

        @property
        def key(self) -> str:
            raise TypeError("a column that cannot be read")

    bad = Row()
    left, running = adopt(Fleet(), bad, ti())
    assert left == [bad]
    assert running == {"key-1"}


def test_an_unreachable_database_is_reported_to_airflow() -> None:
    """Airflow rolls back and tries again; a reset would start second containers."""
    with pytest.raises(airflow_versions.OperationalError):
        adopt(Fleet(), ti(), ti("no database"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TaskOptionsError("cpu must be a positive integer, got 'x'."), "cpu must be a positive integer"),
        (RuntimeError("no such DAG"), "no such DAG"),
    ],
)
def test_a_task_that_cannot_be_rebuilt_is_searched_for(error: Exception, sentence: str) -> None:
    """Its container may run. If there is none, the task fails with the reason."""

    def broken(*_: Any) -> Any:
        raise error

    fleet = Fleet()
    assert adopt(fleet, ti(external=launch_id(), state="queued"), launch_of=broken)[0] == []
    assert fleet.given == [("key-1", launch_id(), "", None)]
    assert sentence in fleet.unlaunchable
