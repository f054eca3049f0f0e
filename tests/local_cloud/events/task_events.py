"""ECS Task State Change events, as EventBridge carries them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.rendering import as_datetime, event_detail
from local_cloud.identifiers import make_uuid

if TYPE_CHECKING:
    from random import Random

    from local_cloud.ecs.records import Task

SOURCE = "aws.ecs"
DETAIL_TYPE = "ECS Task State Change"


@dataclass(frozen=True)
class TaskEvent:
    """One event: a task as it was after a change. A duplicate has the same id and version."""

    event_id: str
    time: float
    task: Task

    @cached_property
    def detail(self) -> dict[str, Any]:
        """What happened, in ECS's words; made when it is first asked for, as many events meet no rule."""
        return event_detail(self.task, self.time)

    @property
    def task_arn(self) -> str:
        """The task's ARN."""
        return self.task.arn

    @property
    def subject(self) -> str:
        """The task's ARN."""
        return self.task.arn

    @property
    def region(self) -> str:
        """Where it happened."""
        return self.task.region

    @property
    def account(self) -> str:
        """Whose account it happened in."""
        return self.task.account

    def envelope(self) -> dict[str, Any]:
        """The event as EventBridge writes it to a target."""
        return {
            "version": "0",
            "id": self.event_id,
            "detail-type": DETAIL_TYPE,
            "source": SOURCE,
            "account": self.account,
            "time": as_datetime(self.time).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": [self.task_arn],
            "detail": self.detail,
        }


def task_event(task: Task, at: float, random: Random) -> TaskEvent:
    """The event of a task's latest change."""
    return TaskEvent(make_uuid(random), at, task)
