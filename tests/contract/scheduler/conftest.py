"""Airflow's own scheduler on PostgreSQL: one server per session, and a copied database per test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import needs
from airflow_scheduler.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAGS = Path(__file__).resolve().parents[2] / "airflow_scheduler" / "dags"
EXECUTOR = "airflow_fargate.FargateExecutor"
ENVIRONMENT = {
    "AIRFLOW__CORE__EXECUTOR": EXECUTOR,
    "AIRFLOW__CORE__PARALLELISM": "10000",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://airflow.internal:8080/execution/",
    "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "0",
    "AIRFLOW__FARGATE__CLUSTER": "airflow",
    "AIRFLOW__FARGATE__TASK_DEFINITION": "worker",
    "AIRFLOW__FARGATE__CONTAINER_NAME": "worker",
    "AIRFLOW__FARGATE__SUBNETS": "subnet-1, subnet-2",
    "AIRFLOW__FARGATE__SECURITY_GROUPS": "sg-1",
    "AIRFLOW__FARGATE__EVENT_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "AIRFLOW__FARGATE__PAYLOAD_BUCKET": "payloads",
    "AIRFLOW__FARGATE__LOG_GROUP": "/worker",
}


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, installed if necessary."""
    needs.postgres()
    with PostgresServer() as started:
        yield started


@pytest.fixture(scope="session")
def template(server: PostgresServer) -> str:
    """The name of a database with Airflow's tables and the DAGs of airflow_scheduler/dags."""
    from airflow_scheduler.database import make_template  # noqa: PLC0415  imports Airflow

    name = server.create()
    make_template(server.url(name), DAGS, f"LocalExecutor,{EXECUTOR}")
    return name


@pytest.fixture
def metadata(server: PostgresServer, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make Airflow in this process use a fresh copy of the template."""
    from airflow_scheduler.database import database_in_use  # noqa: PLC0415  imports Airflow

    for name in [name for name in os.environ if name.startswith("AIRFLOW__FARGATE__")]:
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    copy = server.create(template)
    try:
        with database_in_use(server.url(copy)):
            yield
    finally:
        server.drop(copy)


@pytest.fixture
def scheduler(metadata: None) -> Callable[..., Any]:
    """Return a function that starts a scheduler; see ``airflow_scheduler.scheduler.Scheduler``."""
    from airflow_scheduler.scheduler import Scheduler  # noqa: PLC0415  imports Airflow

    return Scheduler
