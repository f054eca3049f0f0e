"""Airflow configured for FargateExecutor without a database or AWS, and the results per release."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Airflow reads its configuration when it is imported, so this stands before any test's import of it.
SECTION = {
    "CLUSTER": "airflow",
    "TASK_DEFINITION": "worker",
    "CONTAINER_NAME": "worker",
    "SUBNETS": "subnet-1, subnet-2",
    "SECURITY_GROUPS": "sg-1",
    "EVENT_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "PAYLOAD_BUCKET": "payloads",
    "LOG_GROUP": "/worker",
    "PROFILES": '{"big": {"cpu": 1024, "memory": 4096}}',
}
ENVIRONMENT = {
    "AIRFLOW__CORE__EXECUTOR": "airflow_fargate.FargateExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://airflow.internal:8080/execution/",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-the-contract-suite-long-enough-for-HMAC-with-SHA-512",
    # 2.11 refuses SQLite for every executor that is not local; nothing here connects to a database of others.
    "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
    **{f"AIRFLOW__FARGATE__{name}": value for name, value in SECTION.items()},
}
os.environ.update(ENVIRONMENT)

import pytest  # noqa: E402  after the environment, above

from airflow_fargate.airflow_versions import AIRFLOW_VERSION, RELEASE  # noqa: E402  the same

KEPT, NOT_APPLICABLE, BROKEN = "yes", "—", "BROKEN"
_outcomes: dict[str, set[str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "point(text, since, until): a point of the contract with Airflow")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the installed release does not have."""
    for mark in item.iter_markers("point"):
        item.user_properties.append(("point", mark.args[0]))
        since, until = mark.kwargs.get("since", ()), mark.kwargs.get("until", (9,))
        if not since <= RELEASE[: max(len(since), 2)] or not RELEASE[: len(until)] <= until:
            pytest.skip(f"Airflow {AIRFLOW_VERSION} has no such thing")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record the result of every point."""
    for name, text in report.user_properties:
        if name == "point" and (report.when == "call" or report.outcome != "passed"):
            _outcomes.setdefault(str(text), set()).add(report.outcome)


def pytest_sessionfinish() -> None:
    """Write the results for the runner."""
    path = os.environ.get("CONTRACT_RESULTS")
    if not path:
        return
    cells = {
        point: BROKEN if "failed" in found else KEPT if "passed" in found else NOT_APPLICABLE
        for point, found in _outcomes.items()
    }
    Path(path).write_text(
        json.dumps({"release": AIRFLOW_VERSION, "points": cells}, indent=1), encoding="utf-8"
    )


@pytest.fixture
def task() -> Callable[..., Any]:
    """Return a function that makes a task instance; see ``contract_airflow.Task``."""
    from contract_airflow import Task  # noqa: PLC0415  imports Airflow

    return Task


@pytest.fixture
def scheduler() -> Any:
    """Return this release's scheduler with the executor its loader loads; see ``contract_airflow``."""
    from contract_airflow import Scheduler  # noqa: PLC0415  imports Airflow

    return Scheduler()
