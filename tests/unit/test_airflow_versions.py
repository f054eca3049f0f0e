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
    launch_id_of,
)
from unit.examples import ARN


class Workload(SimpleNamespace):
    """A workload as far as it is read here."""

    def model_dump_json(self) -> str:
        return json.dumps({"token": self.token, "type": "ExecuteTask"})

    @staticmethod
    def generate_token(subject: str, generator: Any) -> str:
        return f"{generator}-{subject}"


def a_workload(token: str = "t", **changes: Any) -> Any:
    """Return a workload; keyword arguments go to its task instance."""
    fields: dict[str, Any] = {
        "id": uuid.UUID(int=1),
        "dag_id": "dag",
        "task_id": "task",
        "run_id": "run",
        "try_number": 2,
        "map_index": 3,
    }
    return Workload(ti=SimpleNamespace(**(fields | changes)), token=token)


@pytest.mark.parametrize(
    ("text", "release"),
    [("2.11.0", (2, 11, 0)), ("3.3.2", (3, 3, 2)), ("3.4.0b1", (3, 4, 0)), ("3.2.0rc1", (3, 2, 0))],
)
def test_supported_releases_are_read(text: str, release: tuple[int, ...]) -> None:
    """The numbers at the front, pre-releases too."""
    assert check_release(text) == release


@pytest.mark.parametrize("text", ["2.10.5", "3.5.0", "4.0", "", "x"])
def test_other_releases_are_refused_with_the_range(text: str) -> None:
    """What is installed and what would do."""
    with pytest.raises(UnsupportedAirflowError, match=r"supports Airflow 2\.11 to 3\.4"):
        check_release(text)


def test_the_id_that_airflow_assigned_is_the_launch_id() -> None:
    """As it stands; an ARN in its place is not one."""
    given = str(uuid.uuid4())
    assert launch_id_of(a_workload(external_executor_id=given)) == given
    assert launch_id_of(a_workload(external_executor_id=ARN)) != ARN


def test_without_one_it_is_derived_and_the_same_each_time() -> None:
    """From task instance, try and token: a resumed half of the same try has another."""
    derived = launch_id_of(a_workload())
    assert is_launch_id(derived)
    assert launch_id_of(a_workload()) == derived
    others = [a_workload(try_number=3), a_workload(id=uuid.UUID(int=2)), a_workload(token="u")]
    assert derived not in {launch_id_of(each) for each in others}


@pytest.mark.parametrize(
    ("text", "yes"), [(str(uuid.uuid4()), True), (ARN, False), ("", False), ("x", False)]
)
def test_a_launch_id_is_told_from_an_arn(text: str, yes: bool) -> None:  # noqa: FBT001
    """A UUID in its usual form."""
    assert is_launch_id(text) is yes


def test_the_payload_has_a_token_of_the_moment() -> None:
    """Format, release, launch id, key; the token is made when it is written, where Airflow can."""
    workload = a_workload()
    document = json.loads(airflow_versions.document_of(workload, "id", "generator")())
    assert document["workload"]["token"] == f"generator-{workload.ti.id}"
    assert (document["format"], document["launch_id"]) == (1, "id")
    assert document["airflow_version"] == airflow_versions.AIRFLOW_VERSION
    assert document["key"] == "dag.task[3] run try 2"
    old = json.loads(airflow_versions.document_of(workload, "id", None)())
    assert old["workload"]["token"] == "t"
