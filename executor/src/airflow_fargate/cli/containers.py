"""The deployment's containers, as ECS lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_fargate.aws.ecs import DESCRIBE_LIMIT
from airflow_fargate.aws.ecs_task import EcsTask, parse_task
from airflow_fargate.launching.request import DEPLOYMENT_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_fargate.cli.session import Session


IDLE_STANDBY = "(idle standby)"
"""What stands for the DAG of a container that waits for a task."""


@dataclass(frozen=True)
class OwnContainer:
    """A task of this deployment.

    Args:
        ecs_task: the task as ECS describes it.
        tags: its tags.
    """

    ecs_task: EcsTask
    tags: dict[str, str]

    def tag(self, name: str) -> str:
        """Return a standard tag by its name without ``airflow-fargate:``; empty if it has none."""
        return self.tags.get(f"airflow-fargate:{name}", "")

    @property
    def task(self) -> str:
        """The task's name, with its map index if it has one."""
        if self.is_idle_standby:
            return f"queue {self.tag('standby-queue')}"
        mapped = self.tag("map-index")
        return self.tag("task-id") + (f"[{mapped}]" if mapped else "")

    @property
    def is_idle_standby(self) -> bool:
        """Whether it is a standby that has no task yet."""
        return bool(self.tag("standby")) and not self.tag("launch-id")

    @property
    def dag(self) -> str:
        """The DAG's id; for an idle standby a word in its place."""
        return IDLE_STANDBY if self.is_idle_standby else self.tag("dag-id")

    @property
    def size(self) -> str:
        """The size in vCPU and GB."""
        return f"{(self.ecs_task.cpu or 0) / 1024:g} vCPU {(self.ecs_task.memory or 0) / 1024:g} GB"

    @property
    def capacity(self) -> str:
        """The capacity provider, or ``launch type`` if it was launched without one."""
        return self.ecs_task.capacity_provider or "launch type"

    def record(self, now: float) -> dict[str, Any]:
        """Return the fields for JSON and YAML that all commands share."""
        mapped, number = self.tag("map-index"), self.tag("try-number")
        return {
            "dag_id": self.tag("dag-id"),
            "task_id": self.tag("task-id"),
            "map_index": int(mapped) if mapped else -1,
            "run_id": self.tag("run-id"),
            "try_number": int(number) if number else None,
            "standby": bool(self.tag("standby")),
            "age_seconds": round(self.age(now), 1),
            "arn": self.ecs_task.arn,
        }

    def age(self, now: float) -> float:
        """Return the seconds since the task was created."""
        return max(0.0, now - (self.ecs_task.at("createdAt") or now))


def duration(seconds: float) -> str:
    """Return seconds for a person: 42 s, 3 min 20 s, 5 h 02 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def list_containers(session: Session, *desired: Literal["RUNNING", "STOPPED"]) -> Iterator[OwnContainer]:
    """Yield the deployment's tasks with these desired statuses (RUNNING, STOPPED).

    They are selected by tag, because other tasks may run in the cluster, and ListTasks matches only a whole
    startedBy.
    """
    ecs, cluster = session.clients("ecs"), session.config.cluster
    for status in desired:
        for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status):
            arns = page["taskArns"]
            for start in range(0, len(arns), DESCRIBE_LIMIT):
                chunk = arns[start : start + DESCRIBE_LIMIT]
                answer = ecs.describe_tasks(cluster=cluster, tasks=chunk, include=["TAGS"])
                for task in answer["tasks"]:
                    own = _parse(task)
                    if own.tags.get(DEPLOYMENT_TAG) == session.config.deployment:
                        yield own


def _parse(task: Mapping[str, Any]) -> OwnContainer:
    return OwnContainer(parse_task(task), {each["key"]: each["value"] for each in task.get("tags") or ()})
