"""A registry with one launch, for the tests of the registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_fargate.tasks.messages import Accepted, Finish, Seen
from airflow_fargate.tasks.registry import Registry
from airflow_fargate.testing import ManualClock
from unit.examples import ARN, a_launch, an_ecs_task, launch_id

if TYPE_CHECKING:
    from airflow_fargate.aws.ecs_task import EcsTask
    from airflow_fargate.tasks.launch import Attempt
    from airflow_fargate.tasks.verdict import Outcome

OTHER = ARN[:-1] + "0"
NEVER_RAN = "Timeout waiting for network interface provisioning to complete."


class Bench:
    """A registry with its clock, and one launch in it."""

    def __init__(self, *, launched: bool = True) -> None:
        self.clock = ManualClock()
        self.registry: Any = Registry("worker", "airflow", self.clock.monotonic)
        self.attempt: Attempt | None = self.registry.launch(a_launch(), 540.0) if launched else None

    def seen(self, ecs_task: EcsTask) -> Any:
        return self.registry.apply(Seen(ecs_task))

    def accepted(self, ecs_task: EcsTask | None = None, **changes: Any) -> Any:
        attempt = replace(self.attempt, **changes) if self.attempt and changes else self.attempt
        return self.registry.apply(
            Accepted(launch_id(), ecs_task or an_ecs_task("PROVISIONING", version=1), attempt)
        )

    @property
    def state(self) -> Any:
        task = self.registry.get("key-1")
        assert task is not None
        return task.state


def outcome(decisions: list[Any]) -> Outcome:
    """Return the outcome of the one task that ended."""
    (only,) = [each for each in decisions if isinstance(each, Finish)]
    return only.verdict.outcome


def adopting(arn: str = "", *, may_launch: bool = False) -> Bench:
    """Return a registry that has adopted one task."""
    bench = Bench(launched=False)
    launch = a_launch() if may_launch else None
    bench.registry.adopt("key-1", arn or launch_id(), arn, launch, 540.0)
    return bench
