"""The DAGs of the tests under Airflow's own scheduler. No container runs them: a test plays the worker."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, task

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_dag(dag_id: str, tasks: int, **arguments: object) -> DAG:
    """Return a DAG of so many independent tasks."""
    with DAG(
        dag_id,
        schedule=None,
        start_date=START,
        is_paused_upon_creation=False,
        max_active_tasks=100_000,
        default_args={"owner": "tests", **arguments},
    ) as made:
        for number in range(tasks):

            @task(task_id=f"task_{number}")  # type: ignore[untyped-decorator]
            def body() -> None:
                pass

            body()
    return made


one = make_dag("one", 1)
retried = make_dag("retried", 1, retries=2)  # Airflow's default retry_delay: 300 s
wide = make_dag("wide", 400)
forty = make_dag("forty", 40)
on_fargate = make_dag("on_fargate", 1, executor="FargateExecutor")
