"""The deployment's containers, as ECS lists them: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.ecs import DESCRIBE_LIMIT
from airflow_fargate.run_request import DEPLOYMENT_TAG
from airflow_fargate.task_state_change import TaskStateChange, parse_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.cli.session import Session


@dataclass(frozen=True)
class OwnContainer:
    """A task of this deployment.

    Args:
        change: where it is.
        tags: its tags.
        cpu: vCPUs.
        memory: GB.
    """

    change: TaskStateChange
    tags: dict[str, str]
    cpu: float
    memory: float

    def tag(self, name: str) -> str:
        """Return one of the standard tags, without its prefix's name."""
        return self.tags.get(f"airflow-fargate:{name}", "")

    def billed_seconds(self, now: float) -> float:
        """Return the seconds that Fargate bills: from the pull's start to the stop, a minute at least."""
        start = self.change.at("pullStartedAt") or self.change.at("startedAt")
        if start is None:
            return 0.0
        return max(60.0, (self.change.at("stoppedAt") or now) - start)

    def cost(self, now: float, vcpu_hour: float, gb_hour: float) -> float:
        """Return an estimate in the currency of the prices."""
        return self.billed_seconds(now) / 3600 * (self.cpu * vcpu_hour + self.memory * gb_hour)


def list_containers(session: Session, *desired: str) -> Iterator[OwnContainer]:
    """Yield the deployment's tasks of these desired statuses (RUNNING, STOPPED).

    Tags tell them: startedBy would have to be known whole, and other tasks may run in the cluster.
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


def _parse(task: dict[str, Any]) -> OwnContainer:
    return OwnContainer(
        change=parse_task(task),
        tags={each["key"]: each["value"] for each in task.get("tags") or ()},
        cpu=int(task.get("cpu") or 0) / 1024,
        memory=int(task.get("memory") or 0) / 1024,
    )
