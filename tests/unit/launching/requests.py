"""Builds requests for the tests of the request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.task_options import parse_task_options
from unit.examples import CONFIG, an_attempt

if TYPE_CHECKING:
    from airflow_fargate.settings.config import FargateConfig

COMMAND = ["airflow", "fargate", "run-workload", "s3://b/k"]


def build(
    config: FargateConfig = CONFIG, hook: Any = None, capacity: int = 0, **options: Any
) -> dict[str, Any]:
    """Build the request of one attempt."""
    attempt = an_attempt(options=parse_task_options("executor_config", options))
    builder = RunRequestBuilder(config, hook, request_faults)
    return builder.build(replace(attempt, capacity=capacity), COMMAND)


def tags(request: dict[str, Any]) -> dict[str, str]:
    """Return a request's tags as a dictionary."""
    return {each["key"]: each["value"] for each in request["tags"]}


def bare(command: list[str]) -> dict[str, Any]:
    """Return the smallest result that a hook may return."""
    return {
        "taskDefinition": "d",
        "overrides": {"containerOverrides": [{"name": "worker", "command": command}]},
    }
