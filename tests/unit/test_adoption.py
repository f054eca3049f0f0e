"""Which tasks of a dead scheduler are taken over."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_fargate import adoption, airflow_versions
from unit.examples import ARN, a_launch, launch_id

NOW = dt.datetime.now(tz=dt.timezone.utc)


class Fleet:
    """Notes what it is given; ``held`` are the keys that it has."""

    def __init__(self, *held: str) -> None:
        self.registry = {key: object() for key in held}
        self.given: list[tuple[Any, ...]] = []

    def adopt(self, key: Any, launch_id: str, arn: str = "", launch: Any = None) -> None:
        if key == "broken":
            raise RuntimeError("a fault")
        self.given.append((key, launch_id, arn, launch))


def ti(key: str = "key-1", external: str | None = ARN, state: str = "running", age: float = 10) -> Any:
    """Return a task instance as Airflow offers it."""
    queued = NOW - dt.timedelta(seconds=age)
    return SimpleNamespace(key=key, external_executor_id=external, state=state, queued_dttm=queued)


@pytest.fixture(autouse=True)
def _workloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_versions, "rebuild_workloads", lambda tis: {each.key: each for each in tis})


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


@pytest.mark.parametrize(
    ("state", "age", "launches"), [("queued", 10, True), ("running", 10, False), ("queued", 3600, False)]
)
def test_only_what_is_queued_and_young_may_be_launched(state: str, age: float, launches: bool) -> None:  # noqa: FBT001
    """Older than a clientToken surely lives, or running: looked for and no more."""
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
    assert "broken could not be adopted" in caplog.text


@pytest.mark.parametrize("whole", [True, False])
def test_a_workload_that_cannot_be_made_anew_is_only_looked_for(
    monkeypatch: pytest.MonkeyPatch,
    whole: bool,  # noqa: FBT001
) -> None:
    """One, or the query for all of them: the containers are still found."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("no such DAG")

    if whole:
        monkeypatch.setattr(airflow_versions, "rebuild_workloads", broken)
    fleet = Fleet()
    assert adopt(fleet, ti(external=launch_id(), state="queued"), launch_of=broken)[0] == []
    assert fleet.given == [("key-1", launch_id(), "", None)]
