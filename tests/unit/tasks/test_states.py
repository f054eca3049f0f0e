"""The table of states and moves."""

from __future__ import annotations

import pytest

from airflow_fargate.tasks.states import TABLE, IllegalMoveError, Move, State, TrackedTask, after


def test_every_state_has_a_row_and_every_state_but_the_end_can_end() -> None:
    """Nothing is stuck: from everywhere there is a way to ENDED, and none out of it."""
    assert set(TABLE) == set(State)
    assert not TABLE[State.ENDED]
    for state in set(State) - {State.ENDED}:
        assert State.ENDED in TABLE[state].values()


@pytest.mark.parametrize("state", [State.RUNNING])
def test_what_runs_never_goes_back(state: State) -> None:
    """Once it runs, no move leads to a launch, a search or a start."""
    assert set(TABLE[state].values()) <= {State.RUNNING, State.ENDED}
    assert Move.LAUNCH_AGAIN not in TABLE[state]


@pytest.mark.parametrize("state", [State.LAUNCHING, State.STARTING, State.RUNNING])
def test_events_may_come_before_the_answer(state: State) -> None:
    """Whatever ECS shows is a legal move, in any order."""
    for move in (Move.PENDING, Move.RUNS, Move.STOPPED):
        assert after(state, move) in State


def test_a_move_that_the_table_does_not_have_is_a_fault_of_ours() -> None:
    """It raises, with both names."""
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
def test_every_move_that_can_happen_leads_where_the_diagram_says(state: State, moves: dict[str, str]) -> None:
    """The module's diagram, read aloud: a row that was lost would be a fault in somebody's production."""
    assert {move: after(state, Move[move]).name for move in moves} == moves


def test_of_a_new_task_nothing_was_heard() -> None:
    """Whatever is said first is news, its version 1 too; and it has been silent since the clock began."""
    task = TrackedTask("key", "launch", State.SOUGHT)
    assert (task.version, task.touched_at, task.missing_since, task.revoked) == (0, 0.0, None, False)
    assert (task.attempt, task.arn, task.earlier_arns) == (None, "", ())
