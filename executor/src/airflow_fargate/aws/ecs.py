"""The executor's ECS calls by boto3: run_task, describe_tasks, list_tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.aws.ecs_task import EcsTask, parse_task
from airflow_fargate.aws.failures import LaunchError, LaunchErrorKind, classify_error, classify_failures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESCRIBE_LIMIT = 100  # ARNs per DescribeTasks call (ECS API reference)


def run_task(ecs: Any, request: Mapping[str, Any]) -> EcsTask | LaunchError:
    """Call RunTask once. Never raises: an exception is returned as a ``LaunchError``."""
    try:
        answer = ecs.run_task(**request)
    except Exception as error:  # noqa: BLE001  boto3, urllib3 and credential providers raise many types
        body = getattr(error, "response", None) or {}
        status = (body.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        return classify_error(error, status, body)
    for task in answer.get("tasks") or ():
        try:
            return parse_task(task)
        except ValueError:
            continue
    if answer.get("tasks"):
        # A task was started. Repeating the call with the same token returns it.
        return LaunchError(LaunchErrorKind.UNKNOWN, "RunTask returned a task without taskArn or lastStatus")
    return classify_failures(list(answer.get("failures") or ()))


def describe_tasks(ecs: Any, cluster: str, arns: Sequence[str]) -> tuple[list[EcsTask], list[str]]:
    """Call DescribeTasks for at most 100 ARNs.

    Returns:
        The tasks, and the ARNs that ECS does not know (MISSING). An ARN in neither list had another failure;
        describe it again later.

    Raises:
        Exception: what boto3 raises.
    """
    answer = ecs.describe_tasks(cluster=cluster, tasks=list(arns))
    found = []
    for task in answer.get("tasks") or ():
        try:
            found.append(parse_task(task))
        except ValueError:
            continue
    missing = [
        str(each.get("arn")) for each in answer.get("failures") or () if each.get("reason") == "MISSING"
    ]
    known = {_task_id(arn): arn for arn in arns}
    # Failures may name the ARN in its old form, without the cluster.
    return found, [known[_task_id(arn)] for arn in missing if _task_id(arn) in known]


def find_by_launch_id(ecs: Any, cluster: str, started_by: str) -> EcsTask | None:
    """Return the running task with this ``startedBy``, else the one created last; None if there is none.

    Raises:
        Exception: what boto3 raises.
    """
    arns: list[str] = []
    for desired in ("RUNNING", "STOPPED"):
        answer = ecs.list_tasks(cluster=cluster, startedBy=started_by, desiredStatus=desired)
        arns.extend(answer.get("taskArns") or ())
    if not arns:
        return None
    found, _ = describe_tasks(ecs, cluster, arns[:DESCRIBE_LIMIT])
    # A listed task exists even if it cannot be described yet: the two calls are eventually consistent.
    listed = EcsTask(arns[0], "PROVISIONING", started_by=started_by)
    return max(found, key=lambda each: (not each.stopped, each.at("createdAt") or 0.0), default=listed)


def cluster_of(arn: str, default: str) -> str:
    """Return the cluster in a task's ARN (``...:task/CLUSTER/ID``).

    Args:
        arn: the task's ARN.
        default: the result for an ARN without a cluster, and for one in the same cluster.
    """
    _, *path = arn.rsplit(":", 1)[-1].split("/")
    named = path[0] if len(path) > 1 else ""
    return named if named and named != default.rsplit("/", 1)[-1] else default


def _task_id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
