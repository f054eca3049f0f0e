"""One workload on its way into a container: what is known of it before anything was launched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from airflow_fargate.aws.failures import LaunchError
    from airflow_fargate.settings.task_options import TaskOptions


@dataclass(frozen=True)
class TaskIdentity:
    """Which Airflow task instance it is: for tags, logs and messages."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    map_index: int = -1
    owner: str = ""

    def __str__(self) -> str:
        """Return ``dag.task[map_index] run try N``."""
        mapped = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}.{self.task_id}{mapped} {self.run_id} try {self.try_number}"


@dataclass(eq=False)
class Launch:
    """What the executor wants to run. Complete when it is made; only ``cancelled`` changes.

    Args:
        key: Airflow's key of the workload.
        launch_id: the UUID that it has before it is launched; the same after a crash, a lost answer, in
            another scheduler.
        priority: Airflow's priority weight; higher first.
        identity: for people.
        options: the task's own options, over its queue's profile.
        command: the Airflow CLI command as a list of words, when the release takes one; else None.
        document: returns the payload document (JSON text) with a token made at this moment, when the release
            takes a workload; else None.
        cancelled: Airflow no longer wants it. Set by the registry, and never taken back; the launcher looks
            before each call and after each answer.
        adopted_elsewhere: another scheduler has it: it is not launched here, and its payload is not removed.
        subject: the same for every try of a task instance; the key where there is but one try.
        id_is_recorded: whether another scheduler finds the launch id in Airflow's database, or needs none.
    """

    key: Hashable
    launch_id: str
    priority: int
    identity: TaskIdentity
    options: TaskOptions
    command: tuple[str, ...] | None = None
    document: Callable[[], str] | None = None
    cancelled: bool = False
    adopted_elsewhere: bool = False
    subject: Hashable = None
    id_is_recorded: bool = True

    def __post_init__(self) -> None:
        if self.subject is None:
            self.subject = self.key


@dataclass(eq=False)
class Attempt:
    """One try to launch it: one clientToken, one set of parameters.

    Args:
        launch: what to run.
        number: from 0; rises only when the attempt before is known to have started nothing.
        capacity: index into the capacity chain.
        deadline: by the monotonic clock, in seconds: no new try after it.
        round: from 0; rises when the task of an attempt stopped before it ran. Attempts of one round know of
            each other's numbers; those of different rounds may be under way at once (a repeat of a launch
            whose event came before its answer), so their tokens differ in the round.
        refusals: how often in a row it was refused; for the backoff.
        why: the last refusal's cause.
        same_why: how often in a row it was this one.
        request: the keyword arguments of RunTask, once they are made. While an outcome is unknown a repeat
            must be the same to the byte.
        made_at: monotonic seconds at which the request was made.
        unknown_at: monotonic seconds of the last call whose outcome is not known; None without one.
        given_up: why RunTask is not called any more and the task is looked for; None while it is.
    """

    launch: Launch
    number: int
    capacity: int
    deadline: float
    round: int = 0
    refusals: int = 0
    why: str = ""
    same_why: int = 0
    request: dict[str, Any] | None = field(default=None, repr=False)
    made_at: float = 0.0
    unknown_at: float | None = None
    given_up: LaunchError | None = None

    @property
    def client_token(self) -> str:
        """The clientToken, at most 64 characters: AWS starts one task per token and cluster."""
        number = f"{self.round}.{self.number}" if self.round else f"{self.number}"
        return f"{self.launch.launch_id}-{number}"

    @property
    def is_moot(self) -> bool:
        """Whether nothing is to be asked of AWS for it: it is cancelled, and no container can exist."""
        return self.launch.cancelled and self.unknown_at is None

    def next_number(self) -> Attempt:
        """Return the attempt after one that AWS answered with "nothing was started"."""
        return replace(self, number=self.number + 1, request=None, unknown_at=None)

    def next_round(self, capacity: int) -> Attempt:
        """Return the attempt after one whose task stopped before it ran."""
        return replace(self, round=self.round + 1, number=0, capacity=capacity, request=None, unknown_at=None)
