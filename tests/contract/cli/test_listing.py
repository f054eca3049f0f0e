"""``airflow fargate tasks``, ``cost`` and ``reap`` on an emulated cluster with running containers."""

from __future__ import annotations

import json
import uuid
from argparse import Namespace
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_fargate.airflow_versions import owned_ids
from airflow_fargate.cli import cost, reap, tasks
from airflow_fargate.cli.containers import duration
from airflow_fargate.cli.session import Session
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.launch import Attempt, Launch, TaskIdentity
from aws_model import modelled
from local_cloud import Behaviour
from scenarios.world import World

NOW = datetime(2026, 11, 26, tzinfo=timezone.utc)


class _Ecs:
    """The task plane's client, with the paginator that the commands use."""

    def __init__(self, world: World) -> None:
        self._client = world.plane.client("ecs")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_paginator(self, _: str) -> Any:
        return Namespace(paginate=lambda **request: [self._client.list_tasks(**request)])


class Cluster:
    """A cluster in which a test starts containers as the executor does."""

    def __init__(self) -> None:
        self.world = World(Behaviour(run=None))
        self.ecs = _Ecs(self.world)
        self.config = self.world.config
        self.session = Session(self.config, lambda service: modelled(service, self.ecs))

    def start(self, task_id: str, launch_id: str, deployment: str = "airflow") -> str:
        config = replace(self.config, deployment=deployment)
        identity = TaskIdentity("sales", task_id, "run", 1)
        launch = Launch(task_id, launch_id, 1, identity, TaskOptions(cpu=1024, memory=2048))
        builder = RunRequestBuilder(config, None, request_faults)
        request = builder.build(Attempt(launch, 0, 0, 0.0), ["airflow", "version"])
        arn = str(self.ecs.run_task(**request)["tasks"][0]["taskArn"])
        self.world.clock.advance(30)
        return arn

    def running(self) -> list[str]:
        return list(self.ecs.list_tasks(cluster="airflow", desiredStatus="RUNNING")["taskArns"])


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Return an empty cluster for the commands."""
    made = Cluster()
    for module in (tasks, cost, reap):
        monkeypatch.setattr(module, "open_session", lambda _: made.session)
        monkeypatch.setattr(module.time, "time", made.world.clock.now)
    return made


def arguments(**changes: Any) -> Namespace:
    """Return the parsed command line: every option's default, and these changes."""
    given = {"watch": None, "yes": False, "older_than": 0, "days": 7, "source": "ecs", "output": "json"}
    return Namespace(**given | {"vcpu_hour": None, "gb_hour": None} | changes)


def _printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out or "[]")
    return found


def test_tasks_lists_the_containers_of_this_deployment(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row per container, with DAG, task, try, size and capacity; other deployments are left out."""
    arn = cluster.start("load", "id-1")
    cluster.start("theirs", "id-2", deployment="other")
    assert tasks.main(arguments(output="plain")) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 2
    for cell in ("sales", "load", "1 vCPU 2 GB", "1 min 00 s", arn.rpartition("/")[2]):
        assert cell in printed


def test_json_and_yaml_have_numbers(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    """Ages are in seconds, cost in USD and sizes in ECS's units, under stable names."""
    arn = cluster.start("load", "id-1")
    assert tasks.main(arguments()) == 0
    (row,) = _printed(capsys)
    assert row.pop("cost_usd") > 0
    assert row == {
        "dag_id": "sales",
        "task_id": "load",
        "map_index": -1,
        "run_id": "run",
        "try_number": 1,
        "standby": False,
        "age_seconds": 30.0,
        "arn": arn,
        "status": "RUNNING",
        "cpu": 1024,
        "memory": 2048,
        "capacity": "launch type",
    }
    assert tasks.main(arguments(output="yaml")) == 0
    assert "age_seconds: 30.0\n" in capsys.readouterr().out


def test_a_narrow_terminal_gets_a_table_that_fits(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under 150 columns, the long columns run and id are left out, so that a row stays one line."""
    cluster.start("load", "id-1")
    monkeypatch.setattr("airflow.cli.simple_table.is_tty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    assert tasks.main(arguments(output="table")) == 0
    head, _, row, *_ = capsys.readouterr().out.splitlines()
    assert "dag" in head
    assert "id" not in head.split()
    assert "0.0" in row
    assert "1 vCPU 2 GB" in row


def test_watch_repeats_until_ctrl_c(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in between is printed, and Ctrl-C ends with exit code 0."""
    cluster.start("load", "id-1")
    slept: list[float] = []
    listing = cluster.ecs.list_tasks

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        cluster.world.clock.advance(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    def list_tasks(**request: Any) -> Any:
        if len(slept) == 1:
            raise ConnectionError("no route to host")
        return listing(**request)

    monkeypatch.setattr(tasks.time, "sleep", sleep)
    monkeypatch.setattr(
        cluster.ecs, "_client", Namespace(list_tasks=list_tasks, describe_tasks=cluster.ecs.describe_tasks)
    )
    assert tasks.main(arguments(watch=5)) == 0
    printed = capsys.readouterr()
    ages = [json.loads(line)[0]["age_seconds"] for line in printed.out.splitlines()]
    assert ages == [30.0, 40.0]
    assert slept == [5, 5, 5]
    assert "no route to host" in printed.err


def test_tasks_are_sorted_by_age_with_the_total_cost(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oldest comes first, and the total is printed below."""
    cluster.start("old", "id-1")
    cluster.world.clock.advance(7200)
    cluster.start("young", "id-2")
    assert tasks.main(arguments()) == 0
    printed = capsys.readouterr()
    rows = json.loads(printed.out)
    assert [(row["task_id"], row["age_seconds"]) for row in rows] == [("old", 7260.0), ("young", 30.0)]
    assert rows[0]["cost_usd"] > rows[1]["cost_usd"]
    assert printed.err.startswith("2 containers of deployment airflow, 0.")


@pytest.mark.parametrize("command", [tasks, cost, reap])
def test_an_empty_list_is_a_message(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    """People get a message instead of an empty table; programs get an empty list."""
    monkeypatch.setattr(reap, "owned_ids", set)
    assert command.main(arguments(output="table")) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "ontainer" in printed.err
    assert command.main(arguments()) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_cost_sums_by_day_and_dag(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    """Two containers of one DAG on one day make one row."""
    cluster.start("load", "id-1")
    cluster.start("clean", "id-2")
    assert cost.main(arguments(vcpu_hour=0.04, gb_hour=0.005)) == 0
    (row,) = _printed(capsys)
    assert (row["dag_id"], row["containers"]) == ("sales", 2)


def test_cost_ends_with_the_sum_of_all_days(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    """One row per day and one for all; older containers are left out."""
    cluster.start("ancient", "id-0")
    cluster.world.clock.advance(3 * 86400)
    cluster.start("load", "id-1")
    cluster.world.clock.advance(86400)
    cluster.start("clean", "id-2")
    assert cost.main(arguments(days=2, output="table")) == 0
    printed = capsys.readouterr()
    rows = [line.split("|")[0].strip() for line in printed.out.splitlines() if line.strip()]
    assert rows[-1] == "all"
    assert printed.out.count("sales") == 2
    assert "about an hour" in printed.err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (3600, "1 h 00 min")],
)
def test_an_age_has_two_units_at_most(seconds: float, text: str) -> None:
    """Seconds, minutes and seconds, or hours and minutes."""
    assert duration(seconds) == text


@pytest.mark.parametrize("yes", [False, True])
def test_reap_stops_orphans_with_yes_only(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, yes: bool
) -> None:
    """Containers that a task owns by ARN or launch id, and other deployments', keep running."""
    by_arn = cluster.start("recorded", "id-1")
    by_launch = cluster.start("launched", "id-2")
    theirs = cluster.start("theirs", "id-3", deployment="other")
    orphan = cluster.start("orphan", "id-4")
    monkeypatch.setattr(reap, "owned_ids", lambda: {by_arn, "id-2"})
    assert reap.main(arguments(yes=yes)) == 0
    (row,) = _printed(capsys)
    assert row["arn"] == orphan
    left = {by_arn, by_launch, theirs} | (set() if yes else {orphan})
    assert set(cluster.running()) == left


def test_reap_skips_young_containers(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database row of a new container may not be written yet."""
    cluster.start("young", "id-1")
    monkeypatch.setattr(reap, "owned_ids", set)
    assert reap.main(arguments(yes=True, older_than=600)) == 0
    assert _printed(capsys) == []
    assert len(cluster.running()) == 1


def test_reap_continues_if_a_container_cannot_be_stopped(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ARN is printed, the others are stopped, and the exit code is 1."""
    bad, good = cluster.start("bad", "id-1"), cluster.start("good", "id-2")
    monkeypatch.setattr(reap, "owned_ids", set)
    stop = cluster.ecs.stop_task

    def stop_task(**request: Any) -> Any:
        if request["task"] == bad:
            raise ConnectionError("no route to host")
        return stop(**request)

    monkeypatch.setattr(cluster.ecs, "stop_task", stop_task, raising=False)
    assert reap.main(arguments(yes=True)) == 1
    printed = capsys.readouterr().err
    assert bad in printed
    assert printed.endswith("1 container stopped.\n")
    assert good not in cluster.running()


def test_unfinished_rows_own_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks own them by ARN or launch id, callbacks and connection tests by their own id."""
    from airflow import models  # noqa: PLC0415  slow, and needed here alone
    from airflow.models.callback import Callback  # noqa: PLC0415  the same
    from airflow.models.connection_test import ConnectionTestRequest  # noqa: PLC0415  the same
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  the same
    from sqlalchemy import create_engine, insert  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import Session as Database  # noqa: PLC0415  the same

    states = {
        "running": "arn:1",
        "queued": "id-2",
        "restarting": "arn:3",
        "success": "arn:4",
        "failed": "id-5",
    }
    models.import_all_models()
    engine = create_engine("sqlite://")
    for model in (TaskInstance, Callback, ConnectionTestRequest):
        model.__table__.create(engine)
    common = {"dag_id": "d", "run_id": "r", "pool": "p", "pool_slots": 1, "map_index": -1, "updated_at": None}
    rows = [
        {**common, "id": uuid.UUID(int=number), "task_id": f"t{number}", "state": state, "try_number": 1}
        | {"external_executor_id": external}
        for number, (state, external) in enumerate([*states.items(), ("running", None)])
    ]
    with engine.begin() as connection:
        connection.execute(insert(TaskInstance.__table__), rows)
        for number, state in enumerate(("running", "success")):
            callback = {"id": uuid.UUID(int=10 + number), "type": "executor", "state": state}
            made = {"fetch_method": "import_path", "priority_weight": 1, "data": {}, "created_at": NOW}
            connection.execute(insert(Callback.__table__), [callback | made])
            tested = {"id": uuid.UUID(int=20 + number), "state": state, "token": str(number)}
            made = {"connection_id": "warehouse", "conn_type": "http", "created_at": NOW, "updated_at": NOW}
            connection.execute(insert(ConnectionTestRequest.__table__), [tested | made])
    monkeypatch.setattr("airflow.utils.session.create_session", lambda: Database(engine))
    others = {str(uuid.UUID(int=10)), str(uuid.UUID(int=20))}
    assert owned_ids() == {"arn:1", "id-2", "arn:3", *others}
