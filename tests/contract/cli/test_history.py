"""``cost`` and ``render`` from Airflow's task history, and ``cost`` from the bill."""

from __future__ import annotations

import json
import uuid
from argparse import Namespace
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from airflow_fargate.cli import cost, render
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.task_options import TaskOptions
from aws_model import modelled
from unit.examples import ARN, CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
SIZED = replace(
    CONFIG,
    task_cpu=1024,
    task_memory=2048,
    capacity_chain=("FARGATE", "FARGATE_SPOT"),
    profiles={"big": TaskOptions(cpu=4096, memory=8192)},
)
LAUNCH_ID = "0f7c6c5e-6f0e-4f0f-9d4b-0d6a6b2b7f10"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that adds a task instance, or an earlier try, to a database of Airflow's tables."""
    from airflow import models  # noqa: PLC0415  slow
    from airflow.models.dag import DagModel  # noqa: PLC0415  the same
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  the same
    from airflow.models.taskinstancehistory import TaskInstanceHistory  # noqa: PLC0415  the same
    from sqlalchemy import create_engine, insert  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import Session as Database  # noqa: PLC0415  the same

    models.import_all_models()
    engine = create_engine("sqlite://")
    for model in (TaskInstance, TaskInstanceHistory, DagModel):
        model.__table__.create(engine)
    monkeypatch.setattr("airflow.utils.session.create_session", lambda: Database(engine))

    def add(task_id: str, *, earlier: bool = False, **changes: Any) -> None:
        row: dict[str, Any] = {
            "dag_id": "sales",
            "task_id": task_id,
            "run_id": "run",
            "map_index": -1,
            "pool": "p",
            "pool_slots": 1,
            "try_number": 1,
            "queue": "default",
            "executor_config": {},
            "state": "success",
            "updated_at": None,
            "external_executor_id": ARN,
            "start_date": NOW - timedelta(hours=1),
            "end_date": NOW,
        }
        row |= {"task_instance_id": uuid.uuid4()} if earlier else {"id": uuid.uuid4()}
        table = (TaskInstanceHistory if earlier else TaskInstance).__table__
        with engine.begin() as connection:
            connection.execute(insert(table), [row | changes])

    return add


def costs(monkeypatch: pytest.MonkeyPatch, config: Any = SIZED, clients: Any = None, **changes: Any) -> int:
    """Run ``airflow fargate cost -o json``."""
    monkeypatch.setattr(cost, "open_session", lambda _: Session(config, clients))
    monkeypatch.setattr(cost.time, "time", NOW.timestamp)
    given = {"days": 7, "source": "history", "vcpu_hour": None, "gb_hour": None, "output": "json"}
    return cost.main(Namespace(**given | changes))


@pytest.mark.parametrize(("team", "dags"), [("data", {"of_data"}), (None, {"sales", "of_no_executor"})])
def test_the_history_of_a_team_is_that_of_its_dags(
    database: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    team: str | None,
    dags: set[str],
) -> None:
    """Its section has the sizes; a team without executors of its own uses those of everyone."""
    owners = {"of_data": "data", "of_no_executor": "another"}
    for dag in ("sales", *owners):
        database("load", dag_id=dag)
    monkeypatch.setattr(cost, "teams_with", lambda _: ["", "data"])
    monkeypatch.setattr(cost, "teams_of", lambda dags: {dag: owners[dag] for dag in dags if dag in owners})
    assert costs(monkeypatch, team=team) == 0
    assert {each["dag_id"] for each in json.loads(capsys.readouterr().out)} == dags


def test_cost_is_estimated_from_the_task_history(
    database: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every try counts, by day and DAG, with the size from task, queue or section; other executors do not."""
    database("plain")
    database(
        "plain", earlier=True, start_date=NOW - timedelta(days=1, hours=1), end_date=NOW - timedelta(days=1)
    )
    database("own", executor_config={"cpu": 2048, "memory": 4096}, dag_id="train")
    database("queue", queue="big", dag_id="train", external_executor_id=LAUNCH_ID)
    database("runs", state="running", end_date=None, dag_id="now", start_date=NOW - timedelta(minutes=30))
    database("elsewhere", external_executor_id="celery-1", dag_id="others")
    database("nowhere", external_executor_id=None, dag_id="others")
    database("ancient", start_date=NOW - timedelta(days=9), end_date=NOW - timedelta(days=8))
    assert costs(monkeypatch) == 0
    rows = {(row["day"], row["dag_id"]): row for row in json.loads(capsys.readouterr().out)}
    assert {key: row["vcpu_hours"] for key, row in rows.items()} == {
        ("2026-11-25", "sales"): 1.0,
        ("2026-11-26", "now"): 0.5,
        ("2026-11-26", "sales"): 1.0,
        ("2026-11-26", "train"): 6.0,
    }
    assert rows["2026-11-26", "sales"]["cost_usd"] == pytest.approx(0.04048 + 2 * 0.004445, abs=1e-5)
    assert rows["2026-11-26", "train"]["containers"] == 2


def test_unknown_sizes_are_reported(
    database: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They count as 0 USD, and the message has the options to set."""
    database("plain")
    database("refused", executor_config={"cpu": "many"})
    assert costs(monkeypatch, CONFIG) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[0]["cost_usd"] == 0
    assert "2 containers count as 0 USD" in printed.err
    assert "task_cpu" in printed.err


class Bill:
    """Cost Explorer with two pages."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.requests: list[dict[str, Any]] = []

    def get_cost_and_usage(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.error:
            body = {
                "Error": {"Code": self.error, "Message": "no"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(body, "GetCostAndUsage")
        day = "2026-11-26" if "NextPageToken" in request else "2026-11-25"
        group = {
            "Keys": ["airflow-fargate:dag-id$sales"],
            "Metrics": {"UnblendedCost": {"Amount": "1.25", "Unit": "USD"}},
        }
        more = {} if "NextPageToken" in request else {"NextPageToken": "2"}
        period = {"Start": day, "End": "2026-11-27"}
        return {"ResultsByTime": [{"TimePeriod": period, "Groups": [group]}], **more}


def test_the_bill_is_read_by_the_tasks_tags(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only this deployment, by DAG and day, page by page."""
    bill = Bill()
    assert costs(monkeypatch, clients={"ce": modelled("ce", bill)}.__getitem__, source="bill", days=1) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"day": "2026-11-25", "dag_id": "sales", "cost_usd": 1.25},
        {"day": "2026-11-26", "dag_id": "sales", "cost_usd": 1.25},
    ]
    assert bill.requests[0]["TimePeriod"] == {"Start": "2026-11-25", "End": "2026-11-27"}
    assert bill.requests[0]["Filter"] == {
        "Tags": {"Key": "airflow-fargate:deployment", "Values": ["airflow"]}
    }


@pytest.mark.parametrize(
    ("code", "fact"),
    [("AccessDeniedException", "Allow ce:GetCostAndUsage"), ("ValidationException", "cost allocation tags")],
)
def test_a_bill_that_cannot_be_read_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str, fact: str
) -> None:
    """The message says what to allow or to activate, and the exit code is 1."""
    assert costs(monkeypatch, clients={"ce": Bill(code)}.__getitem__, source="bill") == 1
    assert fact in capsys.readouterr().err


def rendered(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> int:
    """Run ``airflow fargate render``."""
    monkeypatch.setattr(render, "open_session", lambda _: Session(SIZED, None))  # type: ignore[arg-type]
    given = {
        "dag_id": "sales",
        "task_id": "load",
        "run_id": None,
        "map_index": -1,
        "queue": None,
        "hook": None,
    }
    return render.main(Namespace(**given | {"executor_config": None} | changes))


def test_render_prints_the_request_of_a_task_in_the_database(
    database: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its own options, its queue's profile, launch id and tags, from the run that started last."""
    database("load", run_id="old", start_date=NOW - timedelta(days=1), queue="default")
    database("load", queue="big", executor_config={"env": {"A": "1"}}, external_executor_id=LAUNCH_ID)
    assert rendered(monkeypatch) == 0
    request = json.loads(capsys.readouterr().out)
    assert request["overrides"]["cpu"] == "4096"
    assert request["overrides"]["containerOverrides"][0]["environment"] == [{"name": "A", "value": "1"}]
    assert request["clientToken"] == f"{LAUNCH_ID}-0"
    assert {"key": "airflow-fargate:run-id", "value": "run"} in request["tags"]
    assert rendered(monkeypatch, run_id="old", executor_config='{"cpu": 256, "memory": 512}') == 0
    request = json.loads(capsys.readouterr().out)
    assert request["overrides"]["cpu"] == "256"
    assert {"key": "airflow-fargate:run-id", "value": "old"} in request["tags"]


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"task_id": "nothing"}, "no task instance of task 'nothing' in DAG 'sales'"),
        ({"run_id": "never"}, "in run 'never'"),
        ({"map_index": 7}, "with map index 7"),
        ({"task_id": None}, "airflow fargate render sales TASK_ID"),
        ({"executor_config": json.dumps({"env": {"A": "x" * 9000}})}, "at most 8192 characters"),
    ],
)
def test_render_rejects_a_task_that_cannot_be_launched(
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    fact: str,
) -> None:
    """One line on standard error, and exit code 1."""
    database("load")
    assert rendered(monkeypatch, **changes) == 1
    printed = capsys.readouterr().err
    assert fact in printed
    assert printed.count("\n") == 1
