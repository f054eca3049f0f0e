"""A snapshot of an ECS task: one type for events, DescribeTasks and RunTask's answer.

AWS's dictionaries are parsed here and go no further. The three sources use the same keys. They differ in the
type of times (text in events, datetime from boto3) and in the keys that they leave out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.text import clean

STOPPED = "STOPPED"
RUNNING = "RUNNING"
_ARCHITECTURE = "ecs.cpu-architecture"
_LONGEST_ARN = 250
"""Characters of Airflow's ``external_executor_id`` column."""
_PLAIN_EXITS = (
    ExitCode.SUCCESS,
    ExitCode.TASK_FAILED,
    ExitCode.RESUMES_LATER,
    ExitCode.ENDED_BY_AIRFLOW,
)
"""Only the worker exits with these codes, after the task has ended by itself or on Airflow's order."""

TIMELINE = (
    "createdAt",
    "connectivityAt",
    "pullStartedAt",
    "pullStoppedAt",
    "startedAt",
    "stoppingAt",
    "executionStoppedAt",
    "stoppedAt",
)
"""The times of a task (ECS API reference, Task), in the order in which they happen."""


@dataclass(frozen=True)
class ContainerState:
    """One container of a task. ``exit_code`` is None while it runs, and if it never started."""

    name: str
    last_status: str
    exit_code: int | None
    reason: str


@dataclass(frozen=True)
class EcsTask:
    """An ECS task at one version.

    Args:
        arn: the task's ARN.
        last_status: PROVISIONING, PENDING, ... STOPPED.
        version: rises with every change; 0 if the source has none.
        started_by: RunTask's ``startedBy``.
        stop_code: why it stopped, as a code (EssentialContainerExited, SpotInterruption, ...).
        stopped_reason: why it stopped, in AWS's words.
        capacity_provider: FARGATE, FARGATE_SPOT, ...; empty if launched with a launch type.
        containers: all containers, including sidecars.
        timeline: name of the time -> seconds since the epoch.
        memory: MiB of the task; None if the source has none.
        cpu: CPU units of the task (1024 to a vCPU); None if the source has none.
        storage: GiB of ephemeral storage; None for Fargate's default of 20.
        architecture: x86_64, arm64, or empty if the source has none.
    """

    arn: str
    last_status: str
    version: int = 0
    started_by: str = ""
    stop_code: str = ""
    stopped_reason: str = ""
    capacity_provider: str = ""
    containers: tuple[ContainerState, ...] = ()
    timeline: tuple[tuple[str, float], ...] = ()
    memory: int | None = None
    cpu: int | None = None
    storage: int | None = None
    architecture: str = ""

    @property
    def stopped(self) -> bool:
        """Whether the task has ended."""
        return self.last_status == STOPPED

    @property
    def ran(self) -> bool:
        """Whether the task's containers may have run, so that its code may have had effects."""
        return (
            self.last_status == RUNNING
            or self.at("startedAt") is not None
            or any(each.exit_code is not None for each in self.containers)
        )

    def decided(self, container_name: str) -> bool:
        """Return whether the outcome of this container is final.

        It is final if the task has stopped, or if the exit code alone decides the outcome. STOPPED follows
        ten seconds or more later, when the network interface is gone; waiting for it would block a slot.
        Other exit codes need the stop code, so they wait for STOPPED.
        """
        ours = self.container(container_name)
        return self.stopped or (ours is not None and ours.exit_code in _PLAIN_EXITS)

    def at(self, name: str) -> float | None:
        """Return a time of the timeline in seconds since the epoch, or None."""
        return next((seconds for each, seconds in self.timeline if each == name), None)

    def container(self, name: str) -> ContainerState | None:
        """Return the container of this name, or None."""
        return next((each for each in self.containers if each.name == name), None)


def parse_task(task: Mapping[str, Any]) -> EcsTask:
    """Parse a task of DescribeTasks, RunTask or an event's ``detail``.

    Raises:
        ValueError: it has no valid ARN or no status.
    """
    arn, last_status = task.get("taskArn"), task.get("lastStatus")
    if not isinstance(arn, str) or not isinstance(last_status, str) or not arn or not last_status:
        raise ValueError("The task has no taskArn or no lastStatus.")
    if len(arn) > _LONGEST_ARN or clean(arn) != arn:
        raise ValueError(f"taskArn must be an ARN, got {clean(arn, 100)!r}.")
    return EcsTask(
        arn=arn,
        last_status=clean(last_status),
        version=_integer(task.get("version")) or 0,
        started_by=clean(task.get("startedBy") or ""),
        stop_code=clean(task.get("stopCode") or ""),
        stopped_reason=clean(task.get("stoppedReason") or ""),
        capacity_provider=clean(task.get("capacityProviderName") or ""),
        containers=_containers(task.get("containers")),
        timeline=tuple(
            (name, seconds) for name in TIMELINE if (seconds := _seconds(task.get(name))) is not None
        ),
        memory=_integer(task.get("memory")),
        cpu=_integer(task.get("cpu")),
        storage=_storage(task.get("ephemeralStorage")),
        architecture=_architecture(task.get("attributes")),
    )


def _storage(value: Any) -> int | None:
    return _integer(value.get("sizeInGiB")) if isinstance(value, Mapping) else None


def _architecture(attributes: Any) -> str:
    if not isinstance(attributes, (list, tuple)):
        return ""
    named = (each for each in attributes if isinstance(each, Mapping))
    return next((clean(each.get("value") or "") for each in named if each.get("name") == _ARCHITECTURE), "")


def _containers(value: Any) -> tuple[ContainerState, ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(_container(each) for each in value if isinstance(each, Mapping))


def _container(container: Mapping[str, Any]) -> ContainerState:
    return ContainerState(
        name=clean(container.get("name") or ""),
        last_status=clean(container.get("lastStatus") or ""),
        exit_code=_integer(container.get("exitCode")),
        reason=clean(container.get("reason") or ""),
    )


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        try:
            # Python 3.10 cannot parse the Z that EventBridge writes.
            return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        except (ValueError, OverflowError):
            return None
    return None
