"""Which tasks of a dead scheduler are taken over."""

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
    """Notes what it is given; ``held`` are the keys that it has."""

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
    """Return a task instance as Airflow offers it."""
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
    """Described later; nothing is launched."""
    fleet = Fleet()
    assert adopt(fleet, ti()) == ([], {"key-1"})
    assert fleet.given == [("key-1", ARN, ARN, None)]


def test_what_is_held_already_is_kept() -> None:
    """Idempotent: offered every five minutes, adopted once."""
    fleet = Fleet("key-1")
    assert adopt(fleet, ti()) == ([], {"key-1"})
    assert fleet.given == []


@pytest.mark.parametrize("external", [None, "", "celery-task-id"])
def test_what_has_no_id_of_ours_is_left(external: str | None) -> None:
    """Airflow resets it."""
    offered = ti(external=external)
    assert adopt(Fleet(), offered) == ([offered], set())


@pytest.mark.parametrize(("state", "launches"), [("queued", True), ("running", False)])
@pytest.mark.parametrize("age", [10, 3600, 86400])
def test_what_is_queued_may_be_launched_however_long_it_has_waited(
    state: str,
    launches: bool,  # noqa: FBT001
    age: float,
) -> None:
    """A long outage: nothing of it has run, or Airflow would have it as running."""
    fleet = Fleet()
    adopt(fleet, ti(external=launch_id(), state=state, age=age))
    ((_, _, arn, launch),) = fleet.given
    assert arn == ""
    assert (launch is not None) is launches


def test_one_that_breaks_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    """It is left to Airflow, with a line in the log; its neighbours are adopted."""
    fleet = Fleet()
    left, running = adopt(fleet, ti("broken"), ti())
    assert [each.key for each in left] == ["broken"]
    assert running == {"key-1"}
    assert "Adopting a task failed" in caplog.text


def test_a_row_that_cannot_be_read_costs_only_itself() -> None:
    """Not even its key: a column that does not load raises wherever it is touched."""

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


def test_a_database_that_is_away_reaches_airflow() -> None:
    """It rolls back and tries the whole adoption again; resetting would start second containers."""
    with pytest.raises(airflow_versions.OperationalError):
        adopt(Fleet(), ti(), ti("no database"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TaskOptionsError("cpu must be a positive integer, got 'x'."), "cpu must be a positive integer"),
        (RuntimeError("no such DAG"), "no such DAG"),
    ],
)
def test_a_workload_that_cannot_be_made_anew_is_looked_for_and_its_reason_kept(
    error: Exception, sentence: str
) -> None:
    """Its container may run; if there is none, the task fails with the reason."""

    def broken(*_: Any) -> Any:
        raise error

    fleet = Fleet()
    assert adopt(fleet, ti(external=launch_id(), state="queued"), launch_of=broken)[0] == []
    assert fleet.given == [("key-1", launch_id(), "", None)]
    assert sentence in fleet.unlaunchable
