"""Are the executor's calls allowed? Each call is made with arguments that AWS rejects.

AWS checks permissions first. A call without permission is answered with AccessDenied; a call with permission
is answered with another error (no such task, no network configuration, no such receipt) and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.aws.failures import cause_by_id
from airflow_fargate.cli.findings import Finding, failed, inconclusive, is_denied, passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_fargate.cli.session import Session

_NO_TASK = "0" * 32
"""A task id that ECS never assigns."""


def permissions(session: Session) -> Iterator[Finding]:
    """Every call of the executor is allowed."""
    denied: list[str] = []
    broken: list[str] = []
    tried = list(_calls(session))
    for action, call in tried:
        try:
            call()
        except Exception as error:  # noqa: BLE001  the error is the answer
            if is_denied(error):
                denied.append(action)
            elif not getattr(error, "response", None):
                broken.append(f"{action} ({type(error).__name__})")
    if denied:
        yield failed("permissions", f"Not allowed: {', '.join(denied)}. {cause_by_id('access_denied').hint}")
    if broken:
        yield inconclusive("permissions", f"No answer: {', '.join(broken)}.")
    if not denied and not broken:
        yield passed("permissions", f"Allowed: {', '.join(action for action, _ in tried)}.")


def _calls(session: Session) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each IAM action with a call that needs it and changes nothing."""
    config, ecs = session.config, session.clients("ecs")
    if _needs_network(session):
        yield (
            "ecs:RunTask",
            lambda: ecs.run_task(cluster=config.cluster, taskDefinition=config.task_definition),
        )
    yield "ecs:DescribeTasks", lambda: ecs.describe_tasks(cluster=config.cluster, tasks=[_NO_TASK])
    yield (
        "ecs:StopTask",
        lambda: ecs.stop_task(cluster=config.cluster, task=_NO_TASK, reason="airflow fargate doctor"),
    )
    yield "ecs:ListTasks", lambda: ecs.list_tasks(cluster=config.cluster, maxResults=1)
    if config.log_group:
        yield (
            "logs:GetLogEvents",
            lambda: session.clients("logs").get_log_events(
                logGroupName=config.log_group, logStreamName=f"doctor/{_NO_TASK}", limit=1
            ),
        )
    if url := config.event_queue_url:
        # Receiving is not tried: it would hide an event from the scheduler for a while.
        yield (
            "sqs:DeleteMessage",
            lambda: session.clients("sqs").delete_message(QueueUrl=url, ReceiptHandle=_NO_TASK),
        )
        yield (
            "sqs:ChangeMessageVisibility",
            lambda: session.clients("sqs").change_message_visibility(
                QueueUrl=url, ReceiptHandle=_NO_TASK, VisibilityTimeout=0
            ),
        )


def _needs_network(session: Session) -> bool:
    """Say whether RunTask without a network configuration is certain to start nothing."""
    try:
        answer = session.clients("ecs").describe_task_definition(
            taskDefinition=session.config.task_definition
        )
    except Exception:  # noqa: BLE001  another check reports the error
        return False
    return bool(answer["taskDefinition"].get("networkMode") == "awsvpc")
