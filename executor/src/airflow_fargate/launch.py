"""One workload on its way into a container: what is known of it before anything was launched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from airflow_fargate.task_options import TaskOptions


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


@dataclass(frozen=True)
class Details:
    """What is to run, and how.

    Args:
        identity: for people.
        options: the task's own wishes, its queue's profile already below them.
        command: the Airflow CLI command as a list of words, when the release takes one; else None.
        document: returns the payload document (JSON text) with a token made at this moment, when the release
            takes a workload; else None.
    """

    identity: TaskIdentity
    options: TaskOptions
    command: tuple[str, ...] | None = None
    document: Callable[[], str] | None = None


class Launch:
    """What the executor wants to run.

    Args:
        key: Airflow's key of the workload.
        launch_id: the UUID that it has before it is launched; the same after a crash, a lost answer, in
            another scheduler.
        priority: Airflow's priority weight; higher first.
        details: or a function that makes them, called when they are first asked for: the scheduler's thread
            hands over a thousand launches at once, and whoever launches them has the time.
    """

    __slots__ = ("_details", "key", "launch_id", "priority")

    def __init__(
        self, key: Hashable, launch_id: str, priority: int, details: Details | Callable[[], Details]
    ) -> None:
        self.key, self.launch_id, self.priority = key, launch_id, priority
        self._details = details

    @property
    def details(self) -> Details:
        """What is to run, and how.

        Raises:
            TaskOptionsError: the task asks for what cannot be had.
        """
        if not isinstance(self._details, Details):
            self._details = self._details()
        return self._details

    @property
    def identity(self) -> TaskIdentity:
        """For people."""
        return self.details.identity

    @property
    def options(self) -> TaskOptions:
        """The task's wishes."""
        return self.details.options


@dataclass(frozen=True)
class Attempt:
    """One try to launch it: one clientToken, one set of parameters.

    Args:
        launch: what to run.
        number: from 0; rises only when the attempt before is known to have started nothing.
        round: from 0; rises when the task of an attempt stopped before it ran. Attempts of one round know of
            each other's numbers; those of different rounds may be under way at once (a repeat of a launch
            whose event came before its answer), so their tokens differ in the round.
        capacity: index into the capacity chain.
        deadline: by the monotonic clock, in seconds: no new try after it.
        refusals: how often in a row it was refused; for the backoff.
        why: the last refusal's words.
    """

    launch: Launch
    number: int
    capacity: int
    deadline: float
    refusals: int = 0
    why: str = ""
    round: int = 0

    @property
    def client_token(self) -> str:
        """The clientToken, at most 64 characters: AWS starts one task per token and cluster."""
        number = f"{self.round}.{self.number}" if self.round else f"{self.number}"
        return f"{self.launch.launch_id}-{number}"
