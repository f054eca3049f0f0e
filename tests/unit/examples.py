"""Values that many tests need: a configuration, a launch, a task as ECS describes it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from airflow_fargate.aws.ecs_task import EcsTask, parse_task
from airflow_fargate.settings.config import FargateConfig
from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.launch import Attempt, Launch, TaskIdentity

CONFIG = FargateConfig(
    cluster="airflow",
    task_definition="worker",
    container_name="worker",
    subnets=("subnet-1", "subnet-2"),
    security_groups=("sg-1",),
)
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
ARN = "arn:aws:ecs:us-east-1:123456789012:task/airflow/0123456789abcdef0123456789abcdef"


def launch_id(number: int = 1) -> str:
    """Return the launch id of task ``number``."""
    return f"00000000-0000-4000-8000-{number:012d}"


def a_launch(number: int = 1, **changes: Any) -> Launch:
    """Return a launch; keyword arguments replace its fields."""
    fields: dict[str, Any] = {
        "identity": TaskIdentity("dag", "task", "run", 1),
        "options": TaskOptions(),
        "document": lambda: '{"token": "secret"}',
    } | changes
    key, priority = fields.pop("key", f"key-{number}"), fields.pop("priority", 1)
    return Launch(key, fields.pop("launch_id", launch_id(number)), priority, **fields)


def an_attempt(number: int = 1, deadline: float = 540.0, **changes: Any) -> Attempt:
    """Return a first attempt."""
    return Attempt(a_launch(number, **changes), number=0, capacity=0, deadline=deadline)


def a_task(last_status: str = "RUNNING", **changes: Any) -> dict[str, Any]:
    """Return a task as DescribeTasks writes it."""
    task = {
        "taskArn": ARN,
        "lastStatus": last_status,
        "version": 4,
        "startedBy": f"airflow/{launch_id()}",
        "containers": [{"name": "worker", "lastStatus": last_status}],
        "memory": "512",
    }
    return task | changes


def an_ecs_task(last_status: str = "RUNNING", **changes: Any) -> EcsTask:
    """Return a parsed task."""
    return parse_task(a_task(last_status, **changes))


def stopped(exit_code: int | None = 0, reason: str = "", **changes: Any) -> EcsTask:
    """Return a task whose worker container exited with this code; with None it never started."""
    container: dict[str, Any] = {"name": "worker", "lastStatus": "STOPPED", "reason": reason}
    if exit_code is not None:
        container["exitCode"] = exit_code
    return an_ecs_task(
        "STOPPED",
        **{"version": 9, "stopCode": "EssentialContainerExited", "containers": [container]} | changes,
    )


def client_error(code: str, message: str = "", status: int = 400, **members: Any) -> ClientError:
    """Return an error as boto3 raises it."""
    body = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({**body, **members}, "RunTask")
