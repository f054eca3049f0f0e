"""The button on a task instance's page that opens its container in the ECS console."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink

from airflow_fargate.airflow_versions import container_id
from airflow_fargate.aws.console import task_link


class ContainerLink(BaseOperatorLink):
    """Computed in the API server, from ``external_executor_id``.

    Airflow asks a worker for the links of an operator class and stores them as XComs. It asks the API server
    for global ones (``SerializedBaseOperator.get_extra_links``), and that has the database.
    """

    name = "Container in ECS"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  Airflow's signature
        """Return the console's page of a try's container; empty if it has none that is known."""
        return task_link(container_id(ti_key))
