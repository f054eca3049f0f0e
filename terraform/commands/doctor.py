"""`airflow fargate doctor`, asked where the scheduler runs: with its role, its network and its Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from terraform.commands.context import Context

SCHEDULER = "scheduler"
WAIT_SECONDS = 300.0
LOG_SECONDS = 30.0
POLL_SECONDS = 5.0


def ask_doctor(context: Context, client: Callable[[str], Any], outputs: Mapping[str, Any]) -> bool:
    """Run the doctor in a container of the scheduler's task definition; print its lines.

    Returns:
        Whether all its checks passed. If it could not be asked, a line says so, and the answer is False.
    """
    ecs = client("ecs")
    cluster = outputs["cluster_name"]
    service = ecs.describe_services(cluster=cluster, services=[SCHEDULER])["services"][0]
    answer = ecs.run_task(
        cluster=cluster,
        taskDefinition=service["taskDefinition"],
        networkConfiguration=service["networkConfiguration"],
        launchType="FARGATE",
        overrides={"containerOverrides": [{"name": SCHEDULER, "command": ["fargate", "doctor"]}]},
        startedBy="make-up-doctor",
    )
    if not answer["tasks"]:
        context.say(f"    the doctor could not start: {answer['failures']}")
        return False
    arn = answer["tasks"][0]["taskArn"]
    until = context.now() + WAIT_SECONDS
    while (task := ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])["lastStatus"] != "STOPPED":
        if context.now() >= until:
            ecs.stop_task(cluster=cluster, task=arn, reason="The doctor took too long.")
            context.say(f"    the doctor did not end within {WAIT_SECONDS:.0f} seconds")
            return False
        context.sleep(POLL_SECONDS)
    for line in _lines(context, client("logs"), outputs["component_log_group_names"][SCHEDULER], arn):
        context.say(f"    {line}")
    return all(each.get("exitCode") == 0 for each in task["containers"])


def _lines(context: Context, logs: Any, group: str, task_arn: str) -> list[str]:
    """Return what the doctor said; the log may come a little later than the container's end."""
    stream = f"{SCHEDULER}/{SCHEDULER}/{task_arn.rpartition('/')[2]}"
    until = context.now() + LOG_SECONDS
    while context.now() < until:
        try:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)[
                "events"
            ]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        if events:
            return [clean(each["message"]) for each in events]
        context.sleep(POLL_SECONDS)
    return [f"the doctor wrote nothing to {group}"]
