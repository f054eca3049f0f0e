"""How long a failed launch waits."""

from __future__ import annotations

import pytest

from airflow_fargate.aws.failures import LaunchErrorKind
from airflow_fargate.launching.launcher import RetryPolicy


@pytest.mark.parametrize(
    ("refusals", "least", "most"), [(1, 0.5, 1), (2, 1, 2), (5, 8, 16), (6, 15, 30), (1000, 15, 30)]
)
def test_waits_grow_to_a_limit_and_are_jittered(refusals: int, least: float, most: float) -> None:
    """Each is twice as long, up to a limit, with jitter."""
    for random, expected in ((0.0, least), (1.0, most)):
        policy = RetryPolicy([random].pop)
        assert policy.delay(LaunchErrorKind.CAPACITY, refusals, 0.0, 1e9) == pytest.approx(expected)


def test_the_last_try_is_made_at_the_deadline() -> None:
    """A longer wait ends there."""
    for left in (5.0, 0.25):
        delay = RetryPolicy(lambda: 1.0).delay(LaunchErrorKind.WAIT, 10, 100.0 - left, 100.0)
        assert delay == pytest.approx(left)


@pytest.mark.parametrize("now", [100.0, 101.0])
def test_after_the_deadline_there_is_no_retry(now: float) -> None:
    """None means that the launch fails."""
    assert RetryPolicy(lambda: 0.0).delay(LaunchErrorKind.CAPACITY, 1, now, 100.0) is None


def test_a_permanent_error_is_not_retried() -> None:
    """Whatever time is left."""
    assert RetryPolicy(lambda: 0.0).delay(LaunchErrorKind.PERMANENT, 1, 0.0, 100.0) is None
