"""Messages go into the registry, decisions come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow_fargate.aws.ecs_task import EcsTask
    from airflow_fargate.tasks.launch import Attempt
    from airflow_fargate.tasks.verdict import Verdict

# --- messages -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accepted:
    """RunTask returned a task (for ``attempt``), or a search found one."""

    launch_id: str
    ecs_task: EcsTask
    attempt: Attempt | None = None


@dataclass(frozen=True)
class LaunchFailed:
    """The launcher gave up: this round of the launch started no task and will start none."""

    launch_id: str
    sentence: str
    round: int = 0


@dataclass(frozen=True)
class Delayed:
    """AWS rejected a launch several times in a row for the same cause; the launcher keeps trying."""

    launch_id: str
    sentence: str


@dataclass(frozen=True)
class Seen:
    """A task as an event, or DescribeTasks (``described``), describes it."""

    ecs_task: EcsTask
    described: bool = False


@dataclass(frozen=True)
class Missing:
    """DescribeTasks did not find this ARN."""

    arn: str


@dataclass(frozen=True)
class NotFound:
    """The cluster has no task with this launch id."""

    launch_id: str


Message = Accepted | LaunchFailed | Delayed | Seen | Missing | NotFound

# --- decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """Report to Airflow which ECS task runs this workload."""

    key: Hashable
    arn: str


@dataclass(frozen=True)
class Finish:
    """Report the end of a workload to Airflow.

    ``is_known``: Airflow already ended it (it failed the task itself, or queued a later try), so only the
    reason is reported.
    """

    key: Hashable
    verdict: Verdict
    is_known: bool = False


@dataclass(frozen=True)
class Release:
    """Free the slot without a report: Airflow already knows, or another scheduler reports it."""

    key: Hashable


@dataclass(frozen=True)
class Waiting:
    """Show the user what a launch is waiting for."""

    key: Hashable
    sentence: str


@dataclass(frozen=True)
class LaunchAgain:
    """Launch it again, as a new attempt."""

    attempt: Attempt
    why: str


@dataclass(frozen=True)
class Stop:
    """Stop this ECS task."""

    arn: str
    reason: str


Decision = Report | Finish | Release | Waiting | LaunchAgain | Stop
