"""Two worlds with one surface: simulated tasks on a clock moved by hand, and real containers."""

from __future__ import annotations

import itertools
import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud import Behaviour, ManualClock, SimulatedEngine, TaskPlane

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.cloud import LocalCloud

DEADLINE = 300.0
SIMULATED_DEADLINE = 3600.0
POLL = 0.02
NUMBERS = itertools.count(1)
SUBNET = "subnet-1"
LOG_GROUP = "/contract"


class World:
    """A cluster `c`, a client, and every event there has been."""

    ecs: Any
    subnet = SUBNET
    image = "worker"

    def __init__(self) -> None:
        self.number = next(NUMBERS)
        self.cluster = f"c{self.number}"

    def define(self, *containers: dict[str, Any], **task: Any) -> str:
        """Register a definition and return its family; a container without a name is `worker`."""
        family = f"f{next(NUMBERS)}"
        filled = [{"name": "worker", "image": self.image, **item} for item in containers or ({},)]
        self._register(
            {
                "family": family,
                "cpu": "256",
                "memory": "512",
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                **task,
                "containerDefinitions": filled,
            }
        )
        return family

    def request(self, family: str, **more: Any) -> dict[str, Any]:
        """RunTask's parameters for one Fargate task."""
        return {
            "cluster": self.cluster,
            "taskDefinition": family,
            **({} if "capacityProviderStrategy" in more else {"launchType": "FARGATE"}),
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": [self.subnet]}},
            **more,
        }

    def start(self, script: str = "true", behaviour: Behaviour | None = None, **more: Any) -> str:
        """Run one task of a plain definition; returns its ARN. The real world runs the script in a shell."""
        container = more.pop("container", {})
        self.behave(behaviour or Behaviour())
        family = self.define({**self.scripted(script), **container}, **more.pop("task", {}))
        return str(self.ecs.run_task(**self.request(family, **more))["tasks"][0]["taskArn"])

    def scripted(self, script: str) -> dict[str, Any]:
        """The command of a container that runs a script."""
        return {"command": ["bash", "-c", script]}

    def describe(self, arn: str, **more: Any) -> dict[str, Any]:
        """DescribeTasks of one task."""
        return dict(self.ecs.describe_tasks(cluster=self.cluster, tasks=[arn], **more)["tasks"][0])

    def ended(self, arn: str) -> dict[str, Any]:
        """The task once it has stopped."""
        return self.until(arn, "STOPPED")

    def behave(self, behaviour: Behaviour) -> None:
        """How the next task lives, where that is ours to say."""

    def until(self, arn: str, status: str) -> dict[str, Any]:
        """The task as soon as it has that status; fails when that takes too long."""
        raise NotImplementedError

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """What the condition gives as soon as it is true; fails when that takes too long."""
        raise NotImplementedError

    def kill(self, arn: str) -> None:
        """Kill the container of a task."""
        raise NotImplementedError

    def deregister(self, definition_arn: str) -> None:
        """Make a revision INACTIVE."""
        raise NotImplementedError

    def execute(self, arn: str, *command: str) -> None:
        """Run a command in the container of a task, where there is one."""

    def interrupt(self, arn: str) -> None:
        """AWS takes the task's Spot capacity back."""
        raise NotImplementedError

    def events(self, arn: str) -> list[dict[str, Any]]:
        """Envelopes of the task's events so far, in order of arrival."""
        raise NotImplementedError

    def _register(self, document: dict[str, Any]) -> None:
        raise NotImplementedError


class SimulatedWorld(World):
    """No container, no waiting."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.engine = SimulatedEngine(clock=self.clock, seed=seed)
        self.plane = TaskPlane(self.engine, clock=self.clock, seed=seed)
        self.plane.catalog.add_cluster(self.cluster)  # type: ignore[attr-defined]
        self.ecs = self.plane.client("ecs")
        self.arrived: list[dict[str, Any]] = []
        self.plane.subscribe(lambda event: self.arrived.append(event.envelope()))

    def behave(self, behaviour: Behaviour) -> None:
        self.engine.default = behaviour

    def until(self, arn: str, status: str) -> dict[str, Any]:
        while (found := self.describe(arn))["lastStatus"] != status:
            due = self.clock.next_due()
            assert due is not None, f"{arn} stays {found['lastStatus']}"
            assert found["lastStatus"] != "STOPPED", f"{arn} never was {status}"
            self.clock.advance_to(due)
        return found

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        end = self.clock.now() + SIMULATED_DEADLINE
        while not (found := condition()):
            due = self.clock.next_due()
            assert due is not None, f"nothing is due any more: {what}"
            assert due < end, f"too late: {what}"
            self.clock.advance_to(due)
        return found

    def kill(self, arn: str) -> None:
        self.plane.kill(arn)

    def deregister(self, definition_arn: str) -> None:
        self.plane.catalog.deregister_task_definition(definition_arn)  # type: ignore[attr-defined]

    def interrupt(self, arn: str) -> None:
        interrupt(self.plane, arn)

    def events(self, arn: str) -> list[dict[str, Any]]:
        return [event for event in self.arrived if event["resources"] == [arn]]

    def _register(self, document: dict[str, Any]) -> None:
        self.plane.catalog.add_task_definition(**document)  # type: ignore[attr-defined]


class ContainerWorld(World):
    """Real containers of a whole cloud over HTTP; its events come out of a queue behind a rule."""

    def __init__(self, cloud: LocalCloud, image: str) -> None:
        super().__init__()
        self.cloud = cloud
        self.image = image
        self.ecs = self.client("ecs")
        self.ecs.create_cluster(clusterName=self.cluster, capacityProviders=["FARGATE", "FARGATE_SPOT"])
        self.subnet = self.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        self.logs = self.client("logs")
        groups = self.logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
        if not groups:
            self.logs.create_log_group(logGroupName=LOG_GROUP)
        self._sqs = self.client("sqs")
        self._queue = watch(self.client("events"), self._sqs, f"q{self.number}")
        self._events: list[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud."""
        return client(self.cloud.endpoint, service)

    def scripted(self, script: str) -> dict[str, Any]:
        options = {
            "awslogs-group": LOG_GROUP,
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "worker",
        }
        return {
            **super().scripted(script),
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            # Without it a shell as process 1 has no default action for SIGTERM.
            "linuxParameters": {"initProcessEnabled": True},
        }

    def until(self, arn: str, status: str) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE
        while (found := self.describe(arn))["lastStatus"] != status:
            assert found["lastStatus"] != "STOPPED", f"{arn} never was {status}: {found}"
            assert time.monotonic() < deadline, f"{arn} stays {found['lastStatus']}"
            time.sleep(POLL)
        return found

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"too late: {what}"
            time.sleep(POLL)
        return found

    def lines(self, arn: str, container: str = "worker") -> list[str]:
        """What a container wrote, from CloudWatch Logs."""
        stream = f"worker/{container}/{arn.rsplit('/', 1)[-1]}"
        request = {"logGroupName": LOG_GROUP, "logStreamName": stream, "startFromHead": True}
        try:
            answer, lines = self.logs.get_log_events(**request), []
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        while answer["events"]:
            lines += [event["message"] for event in answer["events"]]
            answer = self.logs.get_log_events(**request, nextToken=answer["nextForwardToken"])
        return lines

    def saw(self, arn: str, line: str) -> None:
        """Wait until a container has written a line."""
        deadline = time.monotonic() + DEADLINE
        while line not in self.lines(arn):
            assert time.monotonic() < deadline, f"{line!r} was never written: {self.lines(arn)}"
            time.sleep(POLL)

    def said(self, script: str, **more: Any) -> list[str]:
        """What a container that runs a script writes until it ends."""
        arn = self.start(script, **more)
        self.ended(arn)
        return self.lines(arn)

    def kill(self, arn: str) -> None:
        self.cloud.plane.kill(arn)

    def deregister(self, definition_arn: str) -> None:
        self.ecs.deregister_task_definition(taskDefinition=definition_arn)

    def execute(self, arn: str, *command: str) -> None:
        docker = self.cloud.engine.host.api  # type: ignore[attr-defined]
        container = self.describe(arn)["containers"][0]["runtimeId"]
        docker.exec_start(docker.exec_create(container, list(command))["Id"])

    def interrupt(self, arn: str) -> None:
        interrupt(self.cloud.plane, arn)

    def events(self, arn: str) -> list[dict[str, Any]]:
        while answer := self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages"):
            self._events += [json.loads(message["Body"]) for message in answer]
        return [event for event in self._events if event["resources"] == [arn]]

    def _register(self, document: dict[str, Any]) -> None:
        self.ecs.register_task_definition(**document)


@cache
def client(endpoint: str, service: str) -> Any:
    """A boto3 client; kept, as making one takes longer than most tests."""
    # Cloud Map's DiscoverInstances would go to a host "data-127.0.0.1".
    config = Config(retries={"max_attempts": 0}, inject_host_prefix=False)
    session = boto3.Session("local", "local", region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint, config=config)


def interrupt(plane: TaskPlane, arn: str) -> None:
    """Take one task's Spot capacity back."""
    from local_cloud.ecs.lifecycle import Change  # noqa: PLC0415

    change = Change(stop_code="SpotInterruption", stopped_reason="Your Spot Task was interrupted.")
    assert plane.change_all(change, lambda task: task.arn == arn) == 1


def watch(events: Any, sqs: Any, name: str, detail: dict[str, Any] | None = None) -> str:
    """Send task events to a new queue; returns its URL."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        **({"detail": detail} if detail else {}),
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return str(url)


def error_code(call: Callable[..., Any], **parameters: Any) -> str:
    """The error code a call answers with, "" when it answers."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""
