"""The table of states and moves."""

from __future__ import annotations

import pytest

from airflow_fargate.tasks.states import TABLE, IllegalMoveError, Move, State, TrackedTask, after


def test_every_state_leads_to_the_end() -> None:
    """There is a way to ENDED from every state, and none out of it."""
    assert set(TABLE) == set(State)
    assert not TABLE[State.ENDED]
    for state in set(State) - {State.ENDED}:
        assert State.ENDED in TABLE[state].values()


@pytest.mark.parametrize("state", [State.RUNNING])
def test_a_running_task_never_goes_back(state: State) -> None:
    """No move leads to a launch, a search or a start."""
    assert set(TABLE[state].values()) <= {State.RUNNING, State.ENDED}
    assert Move.LAUNCH_AGAIN not in TABLE[state]


@pytest.mark.parametrize("state", [State.LAUNCHING, State.STARTING, State.RUNNING])
def test_events_may_come_before_the_answer(state: State) -> None:
    """ECS's changes are legal moves in any order."""
    for move in (Move.PENDING, Move.RUNS, Move.STOPPED):
        assert after(state, move) in State


def test_a_move_that_is_not_in_the_table_raises() -> None:
    """The error has the state and the move."""
    with pytest.raises(IllegalMoveError, match="REFUSED in state RUNNING"):
        after(State.RUNNING, Move.REFUSED)


@pytest.mark.parametrize(
    ("state", "moves"),
    [
        (
            State.LAUNCHING,
            {"ACCEPTED": "STARTING", "PENDING": "STARTING", "RUNS": "RUNNING", "STOPPED": "ENDED"},
        ),
        (State.LAUNCHING, {"LAUNCH_AGAIN": "LAUNCHING", "REFUSED": "ENDED"}),
        (State.SOUGHT, {"PENDING": "STARTING", "RUNS": "RUNNING", "STOPPED": "ENDED"}),
        (State.SOUGHT, {"LAUNCH_AGAIN": "LAUNCHING", "REFUSED": "ENDED", "LOST": "ENDED"}),
        (State.SOUGHT, {"SEEK": "SOUGHT"}),
        (State.STARTING, {"SEEK": "SOUGHT"}),
        (State.STARTING, {"ACCEPTED": "STARTING", "PENDING": "STARTING", "RUNS": "RUNNING"}),
        (State.STARTING, {"LAUNCH_AGAIN": "LAUNCHING", "STOPPED": "ENDED", "LOST": "ENDED"}),
        (State.RUNNING, {"ACCEPTED": "RUNNING", "PENDING": "RUNNING", "RUNS": "RUNNING"}),
        (State.RUNNING, {"STOPPED": "ENDED", "LOST": "ENDED"}),
    ],
)
def test_every_move_leads_where_the_diagram_says(state: State, moves: dict[str, str]) -> None:
    """The table matches the diagram in the module."""
    assert {move: after(state, Move[move]).name for move in moves} == moves


def test_a_new_task_has_no_version() -> None:
    """The first change counts, whatever its version, and the task is stale until then."""
    task = TrackedTask("key", "launch", State.SOUGHT)
    assert (task.version, task.touched_at, task.missing_since, task.revoked) == (0, 0.0, None, False)
    assert (task.attempt, task.arn, task.earlier_arns) == (None, "", ())
