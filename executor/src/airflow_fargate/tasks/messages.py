"""What the parts say to each other: messages go into the registry, decisions come out of it."""

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
    """RunTask answered with a task (``attempt`` is the one it answered), or a search found one."""

    launch_id: str
    ecs_task: EcsTask
    attempt: Attempt | None = None


@dataclass(frozen=True)
class LaunchFailed:
    """The launcher gave up: no task was started in this round of the launch, and none will be."""

    launch_id: str
    sentence: str
    round: int = 0


@dataclass(frozen=True)
class Delayed:
    """The launcher was refused several times in a row for the same cause; it goes on trying."""

    launch_id: str
    sentence: str


@dataclass(frozen=True)
class Seen:
    """An event, or DescribeTasks (``described``), told where a task is."""

    ecs_task: EcsTask
    described: bool = False


@dataclass(frozen=True)
class Missing:
    """DescribeTasks does not know this ARN."""

    arn: str


@dataclass(frozen=True)
class NotFound:
    """No task of this launch id is in the cluster."""

    launch_id: str


Message = Accepted | LaunchFailed | Delayed | Seen | Missing | NotFound

# --- decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """Tell Airflow which ECS task runs this workload."""

    key: Hashable
    arn: str


@dataclass(frozen=True)
class Finish:
    """Tell Airflow that it has ended.

    ``is_known``: Airflow has let go of it before (it failed the key itself, or queued a later try); only the
    reason is of use.
    """

    key: Hashable
    verdict: Verdict
    is_known: bool = False


@dataclass(frozen=True)
class Release:
    """Free its slot and tell Airflow nothing: it knows better, or is told by somebody else."""

    key: Hashable


@dataclass(frozen=True)
class Waiting:
    """Show the user what a launch waits for."""

    key: Hashable
    sentence: str


@dataclass(frozen=True)
class LaunchAgain:
    """Hand it to the launcher once more, as a new attempt."""

    attempt: Attempt
    why: str


@dataclass(frozen=True)
class Stop:
    """Stop this ECS task."""

    arn: str
    reason: str


Decision = Report | Finish | Release | Waiting | LaunchAgain | Stop
