"""An Airflow configured for FargateExecutor: no database, no AWS."""

from __future__ import annotations

import os
import uuid
from typing import Any

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
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://airflow.internal:8080/execution/",
    **{f"AIRFLOW__FARGATE__{name}": value for name, value in SECTION.items()},
}
os.environ.update(ENVIRONMENT)

import pytest  # noqa: E402  after the environment, above


@pytest.fixture
def workload() -> Any:
    """Return a function that makes a workload as the scheduler does; keyword arguments go to its task."""
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415
    from airflow.executors.workloads.base import BundleInfo  # noqa: PLC0415
    from airflow.executors.workloads.task import TaskInstanceDTO  # noqa: PLC0415

    def make(**changes: Any) -> Any:
        fields = {
            "id": uuid.uuid4(),
            "dag_version_id": uuid.uuid4(),
            "task_id": "task",
            "dag_id": "dag",
            "run_id": "run",
            "try_number": 1,
            "map_index": -1,
            "pool_slots": 1,
            "queue": "default",
            "priority_weight": 1,
            "external_executor_id": str(uuid.uuid4()),
            "executor_config": None,
        } | changes
        return ExecuteTask(
            ti=TaskInstanceDTO(**fields),
            dag_rel_path="dag.py",
            token="queued-token",
            log_path="dag/task.log",
            bundle_info=BundleInfo(name="dags-folder"),
        )

    return make


@pytest.fixture
def scheduler() -> Any:
    """Return Airflow's own executor, loaded by its loader, over a simulated cluster; see ``Scheduler``."""
    from contract_airflow import Scheduler  # noqa: PLC0415  imports Airflow

    return Scheduler()
