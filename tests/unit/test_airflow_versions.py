"""The differences between Airflow releases."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_fargate import airflow_versions
from airflow_fargate.airflow_versions import (
    UnsupportedAirflowError,
    check_release,
    is_launch_id,
    work_of,
)
from unit.examples import ARN

LAUNCH_ID = str(uuid.UUID(int=7))


class Workload(SimpleNamespace):
    """The parts of a workload that these tests need."""

    def model_dump_json(self) -> str:
        return json.dumps({"token": self.token, "type": "ExecuteTask"})

    @staticmethod
    def generate_token(subject: str, generator: Any) -> str:
        return f"{generator}-{subject}"


def a_workload(token: str = "t", **changes: Any) -> Any:
    """Return a workload; keyword arguments set its task instance."""
    fields: dict[str, Any] = {
        "id": uuid.UUID(int=1),
        "dag_id": "dag",
        "task_id": "task",
        "run_id": "run",
        "try_number": 2,
        "map_index": 3,
        "key": "key",
        "priority_weight": 1,
        "queue": "default",
        "executor_config": None,
        "external_executor_id": None,
    }
    return Workload(ti=SimpleNamespace(**(fields | changes)), token=token)


@pytest.mark.parametrize(
    ("text", "release"),
    [("2.11.0", (2, 11, 0)), ("3.3.2", (3, 3, 2)), ("3.4.0b1", (3, 4, 0)), ("3.2.0rc1", (3, 2, 0))],
)
def test_supported_releases_are_parsed(text: str, release: tuple[int, ...]) -> None:
    """Pre-releases as well."""
    assert check_release(text) == release


@pytest.mark.parametrize("text", ["2.10.5", "3.5.0", "4.0", "", "x"])
def test_other_releases_are_rejected_with_the_range(text: str) -> None:
    """The message has the installed release and the supported ones."""
    with pytest.raises(UnsupportedAirflowError, match=r"supports Airflow 2\.11 to 3\.4"):
        check_release(text)


def test_the_id_that_airflow_assigned_is_the_launch_id() -> None:
    """An ARN from before a deferral is not an id."""
    given = str(uuid.uuid4())
    work = work_of(a_workload(external_executor_id=given), id_is_assigned=True)
    assert (work.launch_id, work.id_is_recorded) == (given, True)
    resumed = work_of(a_workload(external_executor_id=ARN), id_is_assigned=True)
    assert is_launch_id(resumed.launch_id)
    assert not resumed.id_is_recorded


def test_an_id_that_airflow_did_not_assign_for_this_launch_is_not_used() -> None:
    """With other executors it may belong to the last launch and to its container."""
    last = str(uuid.uuid4())
    work = work_of(a_workload(external_executor_id=last))
    assert is_launch_id(work.launch_id)
    assert work.launch_id != last
    assert not work.id_is_recorded


def test_a_command_has_a_new_id_that_is_not_yet_recorded() -> None:
    """Airflow 2.11, also for a try that resumes; the next scheduler passes the id that it read."""
    key = SimpleNamespace(dag_id="dag", task_id="task", run_id="run", try_number=2, map_index=-1)
    ti = SimpleNamespace(key=key, executor_config={"cpu": 512}, external_executor_id=str(uuid.uuid4()))
    item = (["airflow", "tasks", "run", "dag", "task", "run"], 3, "default", ti)
    first, second = work_of(item), work_of(item)
    assert not first.id_is_recorded
    assert len({first.launch_id, second.launch_id, ti.external_executor_id}) == 3
    assert first.command == ("airflow", "tasks", "run", "dag", "task", "run")
    assert first.document("generator") is None
    assert str(first.identity()) == "dag.task run try 2"
    again = work_of(item, first.launch_id)
    assert (again.launch_id, again.id_is_recorded) == (first.launch_id, True)


@pytest.mark.parametrize(
    ("text", "yes"), [("6f1c2d4e-8a90-4b7c-9d3e-5f6071829304", True), (ARN, False), ("", False), ("x", False)]
)
def test_a_launch_id_is_distinguished_from_an_arn(text: str, yes: bool) -> None:  # noqa: FBT001
    """It is a UUID."""
    assert is_launch_id(text) is yes


def test_the_payload_has_a_new_token() -> None:
    """It has format, release, launch id and key; the token is made when the payload is written."""
    work = work_of(a_workload(external_executor_id=LAUNCH_ID), id_is_assigned=True)
    document = json.loads((work.document("generator") or str)())
    assert document["workload"]["token"] == f"generator-{uuid.UUID(int=1)}"
    assert (document["format"], document["launch_id"]) == (1, LAUNCH_ID)
    assert document["airflow_version"] == airflow_versions.AIRFLOW_VERSION
    assert document["key"] == "dag.task[3] run try 2"
    old = json.loads((work.document(None) or str)())
    assert old["workload"]["token"] == "t"
