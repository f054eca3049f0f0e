"""The states of a task and the table of moves between them. Pure.

::

    LAUNCHING --accepted--> STARTING --running--> RUNNING --stopped--> ENDED
        ^  |                  |  |                                       ^
        |  +----refused-------|--|---------------------------------------+
        +-----launch again----+  +--------------stopped, lost------------+
    SOUGHT  an adopted task whose container is being searched for; it moves to the state of its container.
            If that container stopped before it ran, it is searched for once more, by launch id.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from airflow_fargate.tasks.launch import Attempt


class State(Enum):
    """The state of a task, as far as we know."""

    LAUNCHING = auto()  # with the launcher; a RunTask call may be in flight
    SOUGHT = auto()  # adopted: its launch id is known, its container is not
    STARTING = auto()  # ECS accepted it; its container does not run yet
    RUNNING = auto()
    ENDED = auto()


class Move(Enum):
    """Something that happens to a task."""

    ACCEPTED = auto()  # RunTask returned an ARN
    PENDING = auto()  # seen, not running yet
    RUNS = auto()
    STOPPED = auto()
    LAUNCH_AGAIN = auto()  # it ended before it ran, for a transient cause
    SEEK = auto()  # the same, and a dead scheduler may already have launched it again
    REFUSED = auto()  # no task was started, and none will be
    LOST = auto()  # ECS does not know it, or no longer


TABLE: Mapping[State, Mapping[Move, State]] = {
    State.LAUNCHING: {
        Move.ACCEPTED: State.STARTING,
        # An event can arrive before RunTask's answer.
        Move.PENDING: State.STARTING,
        Move.RUNS: State.RUNNING,
        Move.STOPPED: State.ENDED,
        Move.LAUNCH_AGAIN: State.LAUNCHING,
        Move.REFUSED: State.ENDED,
    },
    State.SOUGHT: {
        Move.PENDING: State.STARTING,
        Move.RUNS: State.RUNNING,
        Move.STOPPED: State.ENDED,
        Move.SEEK: State.SOUGHT,
        Move.LAUNCH_AGAIN: State.LAUNCHING,
        Move.LOST: State.ENDED,
        Move.REFUSED: State.ENDED,
    },
    State.STARTING: {
        Move.ACCEPTED: State.STARTING,
        Move.PENDING: State.STARTING,
        Move.RUNS: State.RUNNING,
        Move.STOPPED: State.ENDED,
        Move.SEEK: State.SOUGHT,
        Move.LAUNCH_AGAIN: State.LAUNCHING,
        Move.LOST: State.ENDED,
    },
    State.RUNNING: {
        # RunTask's answer, or an older description, can arrive after the event that said RUNNING.
        Move.ACCEPTED: State.RUNNING,
        Move.PENDING: State.RUNNING,
        Move.RUNS: State.RUNNING,
        Move.STOPPED: State.ENDED,
        Move.LOST: State.ENDED,
    },
    State.ENDED: {},
}


class IllegalMoveError(Exception):
    """A move that the table does not have: a bug in this program, whatever AWS sent."""


def after(state: State, move: Move) -> State:
    """Return the state that follows a move.

    Raises:
        IllegalMoveError: if the table has no such move.
    """
    try:
        return TABLE[state][move]
    except KeyError:
        raise IllegalMoveError(f"{move.name} in state {state.name}") from None


@dataclass(slots=True)
class TrackedTask:
    """What we know about one task. Only :class:`~airflow_fargate.tasks.registry.Registry` changes it.

    Args:
        key: Airflow's key.
        launch_id: see :class:`~airflow_fargate.tasks.launch.Launch`.
        state: see :class:`State`.
        attempt: the current launch attempt; dropped, with its payload, once the task runs.
        arn: the ECS task of the current attempt; empty until it is known.
        version: of the last description applied; older ones are ignored.
        earlier_arns: ECS tasks of attempts that ended before they ran; messages about them are ignored.
        heard_at: monotonic seconds of the last message about it.
        missing_since: monotonic seconds since when ECS has not found it; None while it does.
        revoked: Airflow no longer wants it: its container is stopped, and its end is not reported.
        subject: the same for every try of its task instance.
        unlaunchable: for an adopted task, why it cannot be launched if no container is found.
    """

    key: Hashable
    launch_id: str
    state: State
    attempt: Attempt | None = None
    arn: str = ""
    version: int = 0
    earlier_arns: tuple[str, ...] = ()
    touched_at: float = 0.0
    missing_since: float | None = None
    revoked: bool = False
    subject: Hashable = None
    unlaunchable: str = ""
