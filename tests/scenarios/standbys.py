"""What runs inside simulated standby containers: the real protocol over the world's S3, on the world's clock.

It differs from the real container (``worker/standby.py``, tested in ``unit/worker``) in that it is ready at
once, polls once a step, and runs no task: it exits when the task would have ended.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.standby import protocol
from airflow_fargate.standby.store import Objects
from airflow_fargate.tasks.registry import STANDBY
from local_cloud import Behaviour

if TYPE_CHECKING:
    from airflow_fargate.aws.clients import ClientSource
    from local_cloud import Task
    from scenarios.world import World

WAITS = Behaviour(run=None, stop_exit_code=int(ExitCode.STOPPED))


def is_standby(task: Task) -> bool:
    """Tell a standby from other tasks."""
    return (task.started_by or "").endswith(f"/{STANDBY}")


class StandbyContainers:
    """Every standby's inside.

    ran: ECS task -> the launch that it took. hung: containers that do nothing. hang_at_claim, die_at_claim,
    stop_at_claim, die_after_claim: what happens to the next container that is offered something.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._objects = Objects(cast("ClientSource", lambda _: world.s3), "payloads")
        self._left: set[str] = set()
        self.ran: dict[str, str] = {}
        self.hung: set[str] = set()
        self.hang_at_claim = False
        self.die_at_claim = False
        self.die_after_claim = False
        self.stop_at_claim = False
        self.exit_codes: list[int] = []

    def step(self) -> None:
        """Let every container that runs poll once."""
        for task in self._world.plane.living():
            done = task.arn in self.ran or task.arn in self._left or task.arn in self.hung
            if is_standby(task) and task.last_status == "RUNNING" and not done:
                self._poll(task)

    def idle(self) -> list[Task]:
        """Return those that have no task."""
        return [task for task in self._world.plane.living() if is_standby(task) and task.arn not in self.ran]

    def id_of(self, task: Task) -> str:
        """Return a standby's UUID."""
        return dict(task.tags)["airflow-fargate:standby"]

    def _poll(self, task: Task) -> None:
        standby = self.id_of(task)
        if task.desired_status == "STOPPED":
            return self._leave(task, "SIGTERM")
        found = self._world.s3.objects.get(protocol.offer_key(standby))
        offer: dict[str, Any] = json.loads(found) if found else {"dismissed": "its offer is gone"}
        if "open" in offer:
            return None
        if "dismissed" in offer:
            return self._leave(task, "dismissed")
        return self._claim(task, standby, offer)

    def _claim(self, task: Task, standby: str, offer: dict[str, Any]) -> None:
        if self.hang_at_claim:
            self.hang_at_claim = False
            self.hung.add(task.arn)
            return
        if self.die_at_claim:
            self.die_at_claim = False
            self._left.add(task.arn)
            self._world.engine.exit_now(task.arn, 137)
            return
        if self.stop_at_claim:
            self.stop_at_claim = False
            self._leave(task, "SIGTERM")
            return
        if not self._objects.do(protocol.claim(standby, offer)):
            self._left.add(task.arn)
            self._world.engine.exit_now(task.arn, int(ExitCode.NOT_USED))
            return
        self.ran[task.arn] = offer["launch"]
        if self.die_after_claim:
            self.die_after_claim = False
            self._world.engine.exit_now(task.arn, 137)
            return
        seconds = self._world.chance.uniform(5.0, 60.0)
        code = self.exit_codes.pop(0) if self.exit_codes else 0
        self._world.clock.call_later(seconds, lambda: self._exit(task.arn, code))

    def _leave(self, task: Task, why: str) -> None:
        self._left.add(task.arn)
        self._objects.do(protocol.leave(self.id_of(task), why))
        self._exit(task.arn, int(ExitCode.NOT_USED))

    def _exit(self, arn: str, code: int) -> None:
        task = self._world.plane.task(arn)
        if task is not None and task.desired_status != "STOPPED":
            self._world.engine.exit_now(arn, code)


class EcsWithTags:
    """The plane's ECS client, with a call that only standbys need."""

    def __init__(self, world: World, inner: Any) -> None:
        self._world, self._inner = world, inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        """See boto3."""
        found = self._world.catalog.task_definition("us-east-1", taskDefinition)
        if found is None:
            raise LookupError(taskDefinition)
        return {"taskDefinition": {"taskDefinitionArn": found.arn}}
