"""The page in Airflow's multi-team mode: each team's own section and bucket, for its own users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_fargate.testing import SECTION

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.point("The page reads each team's own section and bucket, for users of that team", since=(3, 2))
def test_each_teams_bucket_is_read_for_its_own_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is that of the team's section; a user of no team sees neither DAG nor scheduler."""
    from airflow.api_fastapi.app import create_app, purge_cached_app  # noqa: PLC0415  3.0 and later
    from airflow.models.dagbundle import DagBundleModel  # noqa: PLC0415  the same
    from airflow.models.team import Team  # noqa: PLC0415  3.2 and later
    from airflow.utils.session import create_session  # noqa: PLC0415  slow

    import airflow_page  # noqa: PLC0415  imports Airflow
    from airflow_fargate.page import app as page  # noqa: PLC0415  3.1 and later
    from contract_airflow import forget_executors  # noqa: PLC0415  imports Airflow

    ours = "airflow_fargate.FargateExecutor"
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", f"{ours};data={ours}")
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    section = {**SECTION, "payload_bucket": "of-data", "task_cpu": "2048", "task_memory": "4096"}
    for name, value in section.items():
        monkeypatch.setenv(f"AIRFLOW__DATA___FARGATE__{name.upper()}", value)
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(tmp_path / "passwords.json"))
    arn = airflow_page.ARN.format(2)
    statuses = {
        "payloads": airflow_page.a_status("another"),
        "of-data": airflow_page.a_status("another", "scheduler-of-data", "data"),
    }
    buckets = airflow_page.StatusBucket(statuses)
    monkeypatch.setattr(page, "CACHED_SECONDS", 0.0)
    monkeypatch.setattr(page, "shared_clients", lambda _: lambda _: buckets)
    row = {"dag_id": "of_data", "task_id": "load", "run_id": "run", "try_number": 1}
    row |= {"external_executor_id": arn, "start_date": airflow_page.minutes_ago(5)}
    forget_executors()
    with airflow_page.database(tmp_path, [row]):
        with create_session() as session:
            bundle = session.get(DagBundleModel, "dags-folder")
            bundle.teams.append(Team(name="data"))
        app = create_app(apps="core")
        seen = airflow_page.get(app, "/fargate/", "VIEWER", "data").text
        others = airflow_page.get(app, "/fargate/", "VIEWER", "ops").text
        purge_cached_app()
    forget_executors()
    for text in ("of_data.load", "2 vCPU, 4 GB", "scheduler-of-data", "team data: deployment"):
        assert text in seen
        assert text not in others
    assert "scheduler-9" in others
