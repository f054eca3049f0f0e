"""Airflow's workloads and task instances, without a database."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

_NAMESPACE = uuid.UUID("5b1f1d1e-6f64-5c0c-8a0e-6f6ad2f0a3c1")
TOKEN = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9." + "e30" * 80 + "." + "c2ln" * 20


def own(text: str) -> str:
    """Return the same text as an object of its own."""
    return text.encode().decode()


def name_of(number: int) -> str:
    """The task id of the n-th task; it tells containers apart, whoever launched them."""
    return f"task-{number:06d}"


def launch_id_of(number: int) -> str:
    """The UUID that the scheduler pre-assigns to the n-th task."""
    return str(uuid.uuid5(_NAMESPACE, str(number)))


def fields_of(number: int, external_executor_id: str | None) -> dict[str, Any]:
    """What a task instance and its DTO have in common."""
    # A database gives each row strings of its own: nothing may be shared, or memory would look smaller.
    return {
        "id": uuid.uuid5(_NAMESPACE, f"ti-{number}"),
        "dag_version_id": uuid.uuid5(_NAMESPACE, "dag version"),
        "task_id": name_of(number),
        "dag_id": own("benchmark"),
        "run_id": own("scheduled__2026-01-01T00:00:00+00:00"),
        "try_number": 1,
        "map_index": -1,
        "pool_slots": 1,
        "queue": "default",
        "priority_weight": 1 + number % 3,
        "external_executor_id": external_executor_id,
        "executor_config": None,
    }


def make_workload(number: int, external_executor_id: str | None) -> Any:
    """What the scheduler queues: an ExecuteTask as it makes one."""
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415
    from airflow.executors.workloads.base import BundleInfo  # noqa: PLC0415
    from airflow.executors.workloads.task import TaskInstanceDTO  # noqa: PLC0415

    return ExecuteTask(
        ti=TaskInstanceDTO(**fields_of(number, external_executor_id)),
        dag_rel_path="benchmark.py",
        token=TOKEN,
        log_path=f"dag_id=benchmark/run_id=r/task_id={name_of(number)}/attempt=1.log",
        bundle_info=BundleInfo(name="dags-folder"),
    )


def make_task_instance(number: int, state: str, external_executor_id: str | None) -> Any:
    """What the scheduler offers for adoption, with the attributes that executors read."""
    from airflow.models.taskinstancekey import TaskInstanceKey  # noqa: PLC0415

    fields = fields_of(number, external_executor_id)
    now = datetime.now(tz=timezone.utc)
    key = TaskInstanceKey(
        dag_id=fields["dag_id"],
        task_id=fields["task_id"],
        run_id=fields["run_id"],
        try_number=1,
        map_index=-1,
    )
    return SimpleNamespace(
        **fields,
        key=key,
        state=state,
        queued_dttm=now,
        logical_date=now,
        context_carrier={},
        dag_model=SimpleNamespace(relative_fileloc="benchmark.py", bundle_name="dags-folder"),
        dag_run=SimpleNamespace(bundle_version=None, run_id=fields["run_id"], logical_date=now),
        number=number,
    )
