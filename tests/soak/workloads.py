"""Airflow's workloads, made without a database."""

from __future__ import annotations

import uuid
from typing import Any

from benchmarks.names import NAMESPACE, name_of

TOKEN = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9." + "e30" * 80 + "." + "c2ln" * 20


def make_workload(number: int, external_executor_id: str) -> Any:
    """Return the ExecuteTask that Airflow's scheduler queues for the n-th task."""
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415
    from airflow.executors.workloads.base import BundleInfo  # noqa: PLC0415
    from airflow.executors.workloads.task import TaskInstanceDTO  # noqa: PLC0415

    instance = TaskInstanceDTO(
        id=uuid.uuid5(NAMESPACE, f"ti-{number}"),
        dag_version_id=uuid.uuid5(NAMESPACE, "dag version"),
        task_id=name_of(number),
        # A database row has strings of its own. Shared ones would make the executor look smaller.
        dag_id=_copied("soak"),
        run_id=_copied("scheduled__2026-01-01T00:00:00+00:00"),
        try_number=1,
        map_index=-1,
        pool_slots=1,
        queue="default",
        priority_weight=1 + number % 3,
        external_executor_id=external_executor_id,
        executor_config=None,
    )
    return ExecuteTask(
        ti=instance,
        dag_rel_path="soak.py",
        token=TOKEN,
        log_path=f"dag_id=soak/run_id=r/task_id={name_of(number)}/attempt=1.log",
        bundle_info=BundleInfo(name="dags-folder"),
    )


def _copied(text: str) -> str:
    return text.encode().decode()
