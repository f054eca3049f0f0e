"""What the executor wants to run (:class:`Launch`), and one try to launch it (:class:`Attempt`).

docs/how_it_works.md explains launch ids, rounds, numbers and tokens with an example.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from airflow_fargate.aws.failures import LaunchError
    from airflow_fargate.settings.task_options import TaskOptions


@dataclass(frozen=True)
class TaskIdentity:
    """The Airflow task instance, for tags, logs and messages."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    map_index: int = -1

    def __str__(self) -> str:
        """Return ``dag.task[map_index] run try N``."""
        mapped = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}.{self.task_id}{mapped} {self.run_id} try {self.try_number}"


@dataclass(eq=False)
class Launch:
    """A workload to run. Complete when it is made; only the two flags change afterwards.

    Args:
        key: Airflow's key of the workload.
        launch_id: a UUID that exists before the launch and never changes: not after a crash, a lost answer,
            or in another scheduler.
        priority: Airflow's priority weight; higher first.
        identity: the task instance, for people to read.
        options: the task's own options laid over its queue's profile.
        command: the Airflow CLI command as a list of words, if the release uses one; else None.
        document: returns the payload document (JSON text) with a fresh token, if the release uses workloads;
            else None.
        cancelled: Airflow no longer wants it. Set once, by the registry; the launcher checks it before each
            call and after each answer.
        adopted_elsewhere: another scheduler has adopted it, so it is not launched here and its payload stays.
        subject: the same for every try of a task instance; the key if there is only one try.
        id_is_recorded: whether another scheduler can find the launch id in Airflow's database, or needs none.
        takes_standby: whether a standby container may run it.
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
    takes_standby: bool = False

    def __post_init__(self) -> None:
        if self.subject is None:
            self.subject = self.key


@dataclass(eq=False)
class Attempt:
    """One try to launch a workload: one clientToken, one set of parameters.

    Args:
        launch: what to run.
        number: from 0; rises only if the previous attempt is known to have started nothing.
        capacity: index into the capacity chain.
        deadline: monotonic seconds after which no new try begins.
        round: from 0; rises if the task of an attempt stopped before it ran.
        refusals: consecutive rejected calls; for the backoff.
        why: the cause of the last rejection.
        same_why: how many consecutive rejections had this cause.
        request: the keyword arguments of RunTask, once they are made. While the outcome of a call is unknown,
            a repeat must send the same bytes.
        made_at: monotonic seconds when the request was made.
        unknown_at: monotonic seconds of the last call with an unknown outcome; None if there is none.
        given_up: why the launcher stopped calling RunTask and searches for the task; None while it calls.
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
        """Whether it is cancelled and no container can exist, so that AWS need not be called."""
        return self.launch.cancelled and self.unknown_at is None

    def next_number(self) -> Attempt:
        """Return the attempt that follows one that started nothing."""
        return replace(self, number=self.number + 1, request=None, unknown_at=None)

    def next_round(self, capacity: int) -> Attempt:
        """Return the attempt that follows one whose task stopped before it ran."""
        return replace(self, round=self.round + 1, number=0, capacity=capacity, request=None, unknown_at=None)
