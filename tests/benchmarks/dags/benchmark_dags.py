"""The benchmarks' DAG: a hundred independent tasks, which simulated containers or a Celery worker run."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, task

from benchmarks.names import DAG_ID, TASKS_IN_A_RUN, retries_of, task_id_of

with DAG(
    DAG_ID,
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    is_paused_upon_creation=False,
    max_active_tasks=100_000,
    max_active_runs=100_000,
    default_args={"owner": "benchmarks", "retry_delay": timedelta(hours=1)},
):
    for number in range(TASKS_IN_A_RUN):

        @task(task_id=task_id_of(number), retries=retries_of(number))
        def body(ti: Any = None) -> None:
            """Note when this line ran, if the environment names a file for it."""
            now = time.time()
            if path := os.environ.get("BENCHMARK_FIRST_LINES"):
                with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123  one short write, whole
                    file.write(f"{ti.run_id} {ti.task_id} {now}\n")

        body()
