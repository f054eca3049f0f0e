"""The smallest DAG, to be baked into an image."""  # noqa: INP001  a DAG folder is no package

from __future__ import annotations

from airflow.sdk import dag, task


@dag(schedule=None)
def hello() -> None:
    """Say hello from a container."""

    @task
    def greet() -> str:
        return "hello from Fargate"

    greet()


hello()
