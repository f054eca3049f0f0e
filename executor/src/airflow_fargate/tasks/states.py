"""The life of a task: states, the table of moves between them, and nothing else. Pure.

::

    LAUNCHING --accepted--> STARTING --running--> RUNNING --stopped--> ENDED
        ^  |                  |  |                                       ^
        |  +----refused-------|--|---------------------------------------+
        +-----launch again----+  +--------------stopped, lost------------+
    SOUGHT  (adopted, its container being looked for) goes where its container is; an adopted task whose
    container stopped before it ran is sought once more, by its launch id
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from airflow_fargate.tasks.launch import Attempt


class State(Enum):
    """Where a task is, as far as we know."""

    LAUNCHING = auto()  # in the launcher's hands; RunTask may be under way
    SOUGHT = auto()  # adopted: we know its id, and not yet its container
    STARTING = auto()  # ECS has it; its container does not run yet
    RUNNING = auto()
    ENDED = auto()


class Move(Enum):
    """What can happen to a task."""

    ACCEPTED = auto()  # RunTask answered with an ARN
    PENDING = auto()  # seen, not running yet
    RUNS = auto()
    STOPPED = auto()
    LAUNCH_AGAIN = auto()  # it ended before it ran, and the cause can pass
    SEEK = auto()  # the same, and a scheduler that is gone may have launched it again
    REFUSED = auto()  # no task was started and none will be
    LOST = auto()  # ECS does not know it (any more)


TABLE: Mapping[State, Mapping[Move, State]] = {
    State.LAUNCHING: {
        Move.ACCEPTED: State.STARTING,
        # A fast task's event can arrive before RunTask's answer.
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
        # RunTask's answer, or an older picture, after the event that said RUNNING.
        Move.ACCEPTED: State.RUNNING,
        Move.PENDING: State.RUNNING,
        Move.RUNS: State.RUNNING,
        Move.STOPPED: State.ENDED,
        Move.LOST: State.ENDED,
    },
    State.ENDED: {},
}


class IllegalMoveError(Exception):
    """A move that the table does not have: a fault of this program, never of AWS."""


def after(state: State, move: Move) -> State:
    """Return the state that follows.

    Raises:
        IllegalMoveError: the table has no such move.
    """
    try:
        return TABLE[state][move]
    except KeyError:
        raise IllegalMoveError(f"{move.name} in state {state.name}") from None


@dataclass(slots=True)
class TrackedTask:
    """What is remembered of one task. Only :class:`~airflow_fargate.tasks.registry.Registry` changes it.

    Args:
        key: Airflow's key.
        launch_id: ours.
        state: see :class:`State`.
        attempt: the launch under way; dropped (with its payload) once the task runs.
        arn: of the current attempt's task, empty before it is known.
        version: of the last change taken; older ones are ignored.
        earlier_arns: of attempts that ended before they ran; what is still said of them is ignored.
        heard_at: monotonic seconds of the last news.
        missing_since: monotonic seconds since when ECS does not know it; None while it does.
        revoked: Airflow has let go of it: it is to be stopped and nothing is to be said of it.
        subject: the same for every try of its task instance.
        unlaunchable: why it cannot be launched, for an adopted task whose container is not found.
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
