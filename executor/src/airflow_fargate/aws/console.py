"""Links to AWS's console: where a person goes on looking when a sentence is not enough. Pure."""

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
"""Partition -> the console's host; other partitions have consoles that the public does not reach."""


def task_link(arn: str) -> str:
    """Return the console's page of an ECS task; empty for what is no task's ARN.

    The page lives as long as ECS's record, an hour after the task stopped.
    """
    found = _parse(arn)
    if found is None:
        return ""
    host, region, cluster, task_id = found
    if not cluster:
        return ""
    return f"https://{host}/ecs/v2/clusters/{cluster}/tasks/{task_id}?region={region}"


def log_link(arn: str, group: str, stream: str) -> str:
    """Return the console's page of a log stream in the task's region; empty for what is no task's ARN."""
    found = _parse(arn)
    if found is None or not group:
        return ""
    host, region, _, _ = found
    place = f"log-groups/log-group/{_escaped(group)}/log-events/{_escaped(stream)}"
    return f"https://{host}/cloudwatch/home?region={region}#logsV2:{place}"


def _parse(arn: str) -> tuple[str, str, str, str] | None:
    """Return host, region, cluster (empty in the old form of ARNs) and task id."""
    found = _TASK.fullmatch(arn)
    if found is None or found["partition"] not in _DOMAINS:
        return None
    return _DOMAINS[found["partition"]], found["region"], found["cluster"] or "", found["id"]


def _escaped(text: str) -> str:
    """Escape as the console does in the part after the hash: twice, with $ for the second percent sign."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
