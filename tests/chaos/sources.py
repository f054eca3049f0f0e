"""Links for the sources of the catalogue: issues, and AWS's pages. Pure."""

from __future__ import annotations

import re

_REPOSITORIES = {
    "dagster": "dagster-io/dagster",
    "metaflow": "Netflix/metaflow",
    "nextflow": "nextflow-io/nextflow",
    "prefect": "PrefectHQ/prefect",
}
"""Projects that a source names in one word, before the number of an issue."""
_API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html"
_AWS = {
    "RunTask limits": f"{_API}/request-throttling.html",
    "StopTask limits": f"{_API}/request-throttling.html",
    "RunTask overrides": f"{_API}/API_RunTask.html",
    "RunTask failures[]": f"{_API}/API_RunTask.html",
    "RunTask": f"{_API}/API_RunTask.html",
    "Fargate quotas": f"{_GUIDE}/service-quotas.html",
    "clientToken": f"{_API}/ECS_Idempotency.html",
    "ConflictException": f"{_API}/ECS_Idempotency.html",
    "retry rule": f"{_API}/ECS_Idempotency.html",
    "stopCode values": f"{_API}/API_Task.html",
    "TaskFailedToStart": f"{_API}/API_Task.html",
    "UserInitiated": f"{_API}/API_Task.html",
    "Spot": f"{_GUIDE}/fargate-capacity-providers.html",
    "stopTimeout": f"{_API}/API_ContainerDefinition.html",
    "at least once": f"{_GUIDE}/ecs_cwet_handling.html",
    "order not guaranteed": f"{_GUIDE}/ecs_cwet_handling.html",
    "SQS": _SQS,
    "service-event-messages-list": f"{_GUIDE}/service-event-messages-list.html",
    "resource-initialization-error": f"{_GUIDE}/resource-initialization-error.html",
    "task_cannot_pull_image": f"{_GUIDE}/task_cannot_pull_image.html",
}
"""What a source may begin with -> the page where AWS says it."""
_ISSUE = re.compile(r"(?:(?P<repository>[\w.-]+/[\w.-]+)|(?P<project>\b[a-z]+) )?#(?P<number>\d+)")


def linked(source: str) -> str:
    """Return a source with links to its issues and to AWS's page, in Markdown.

    An issue without a repository is one of apache/airflow. A source with links is returned as it is.
    """
    if "](" in source:
        return source
    text = _ISSUE.sub(_issue, source)
    words = next((words for words in sorted(_AWS, key=len, reverse=True) if _begins(text, words)), None)
    if words is None:
        return text
    shown = words.replace("[", "\\[").replace("]", "\\]")
    return f"[{shown}]({_AWS[words]}){text[len(words) :]}"


def _begins(text: str, words: str) -> bool:
    """Say whether a text is these words, or has them before a punctuation mark."""
    return text == words or text.startswith((f"{words};", f"{words}:", f"{words},"))


def _issue(found: re.Match[str]) -> str:
    project = found["project"]
    repository = found["repository"] or _REPOSITORIES.get(project or "", "apache/airflow")
    shown, before = found[0], ""
    if project and project not in _REPOSITORIES:
        shown, before = f"#{found['number']}", f"{project} "
    return f"{before}[{shown}](https://github.com/{repository}/issues/{found['number']})"
