"""Links to AWS's console, for more details than a message has. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

_TASK = re.compile(
    r"arn:(?P<partition>[a-z-]+):ecs:(?P<region>[a-z0-9-]+):\d+:task/((?P<cluster>[^/]+)/)?(?P<id>[^/]+)"
)

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
"""Partition -> the console's host. The consoles of other partitions are not public."""


def task_link(arn: str) -> str:
    """Return the link to an ECS task in the console; empty if the text is not a task's ARN.

    The page exists as long as ECS keeps the task, about an hour after it stopped.
    """
    found = _parse(arn)
    if found is None:
        return ""
    host, region, cluster, task_id = found
    if not cluster:
        return ""
    return f"https://{host}/ecs/v2/clusters/{cluster}/tasks/{task_id}?region={region}"


def log_link(arn: str, group: str, stream: str) -> str:
    """Return the link to a log stream in the task's region; empty if the text is not a task's ARN."""
    found = _parse(arn)
    if found is None or not group:
        return ""
    host, region, _, _ = found
    place = f"log-groups/log-group/{_escaped(group)}/log-events/{_escaped(stream)}"
    return f"https://{host}/cloudwatch/home?region={region}#logsV2:{place}"


def _parse(arn: str) -> tuple[str, str, str, str] | None:
    """Return host, region, cluster (empty in ARNs of the old format) and task id."""
    found = _TASK.fullmatch(arn)
    if found is None or found["partition"] not in _DOMAINS:
        return None
    return _DOMAINS[found["partition"]], found["region"], found["cluster"] or "", found["id"]


def _escaped(text: str) -> str:
    """Escape as the console does after the hash: twice, with $ for the second percent sign."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
