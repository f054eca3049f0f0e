"""May we do what the executor does? Each call is made in a form that AWS refuses for what it asks.

AWS looks at permissions first: a call that may not be made is answered with AccessDenied, one that may be
made with what is wrong with it (no such task, no network configuration, no such receipt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.cli.findings import Finding, failed, is_denied, ok, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_fargate.cli.session import Session

_NOBODY = "0" * 32
"""A task id that ECS never gives."""
_ADVICE = "attach the policy of `terraform output scheduler_policy_arn` to the role that makes the calls."


def permissions(session: Session) -> Iterator[Finding]:
    """Every call of the executor is allowed."""
    denied: list[str] = []
    broken: list[str] = []
    tried = list(_calls(session))
    for action, call in tried:
        try:
            call()
        except Exception as error:  # noqa: BLE001  AWS's refusals are what is looked for
            if is_denied(error):
                denied.append(action)
            elif not getattr(error, "response", None):
                broken.append(f"{action} ({type(error).__name__})")
    if denied:
        yield failed("permissions", f"Not allowed: {', '.join(denied)}: {_ADVICE}")
    if broken:
        yield unknown("permissions", f"Not answered: {', '.join(broken)}.")
    if not denied and not broken:
        yield ok("permissions", f"Allowed: {', '.join(action for action, _ in tried)}.")


def _calls(session: Session) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield IAM actions, each with a call that needs it and changes nothing."""
    config, ecs = session.config, session.clients("ecs")
    if _needs_network(session):
        yield (
            "ecs:RunTask",
            lambda: ecs.run_task(cluster=config.cluster, taskDefinition=config.task_definition),
        )
    yield "ecs:DescribeTasks", lambda: ecs.describe_tasks(cluster=config.cluster, tasks=[_NOBODY])
    yield (
        "ecs:StopTask",
        lambda: ecs.stop_task(cluster=config.cluster, task=_NOBODY, reason="airflow fargate doctor"),
    )
    yield "ecs:ListTasks", lambda: ecs.list_tasks(cluster=config.cluster, maxResults=1)
    if config.log_group:
        yield (
            "logs:GetLogEvents",
            lambda: session.clients("logs").get_log_events(
                logGroupName=config.log_group, logStreamName=f"doctor/{_NOBODY}", limit=1
            ),
        )
    if url := config.event_queue_url:
        # Nothing is received: that would hide an event from the scheduler for a while.
        yield (
            "sqs:DeleteMessage",
            lambda: session.clients("sqs").delete_message(QueueUrl=url, ReceiptHandle=_NOBODY),
        )
        yield (
            "sqs:ChangeMessageVisibility",
            lambda: session.clients("sqs").change_message_visibility(
                QueueUrl=url, ReceiptHandle=_NOBODY, VisibilityTimeout=0
            ),
        )


def _needs_network(session: Session) -> bool:
    """Say whether RunTask without a network configuration is sure to start nothing."""
    try:
        answer = session.clients("ecs").describe_task_definition(
            taskDefinition=session.config.task_definition
        )
    except Exception:  # noqa: BLE001  another check says what is wrong with it
        return False
    return bool(answer["taskDefinition"].get("networkMode") == "awsvpc")
