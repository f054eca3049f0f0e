"""Tasks written as JSON once per version: who describes ten thousand of them asks for the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orjson import Fragment

from local_cloud.ecs.rendering import as_epoch, task_document
from local_cloud.fast_json import encode

if TYPE_CHECKING:
    from local_cloud.ecs.records import Task

KEPT = 50_000


class TaskBytes:
    """Writes tasks for AWS JSON 1.1, and keeps what it wrote."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, bool], tuple[Task, Fragment]] = {}

    def __call__(self, task: Task, tags: bool) -> Fragment:  # noqa: FBT001 - as WriteTask says
        """The task's JSON, ready to be put into an answer."""
        key = (task.arn, tags)
        known = self._written.get(key)
        # Records never change, so the same record is the same text.
        if known is not None and known[0] is task:
            return known[1]
        if len(self._written) >= KEPT:
            self._written.clear()
        written = Fragment(encode(task_document(task, as_epoch, tags=tags)))
        self._written[key] = (task, written)
        return written
