"""Token buckets: AWS's limits as a model."""

from __future__ import annotations

import pytest

from airflow_fargate.aws.rate_limiter import RateLimiter, TokenBucket


def taken(bucket: TokenBucket, now: float) -> int:
    """Take as many as there are; return how many."""
    count = 0
    while bucket.wait(now) == 0.0:
        bucket.take(now)
        count += 1
    return count


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    """20 at once, then 20 a second, and never more than the burst after a rest."""
    bucket = TokenBucket(20, 20, 0.0)
    assert taken(bucket, 0.0) == 20
    assert bucket.wait(0.0) == pytest.approx(0.05)
    assert taken(bucket, 0.5) == 10
    assert taken(bucket, 1000.0) == 20


def test_waiting_as_long_as_it_says_is_enough() -> None:
    """After wait() seconds a token is there, down to rounding."""
    bucket = TokenBucket(7, 1, 0.0)
    now = 0.0
    for _ in range(1000):
        now += bucket.wait(now)
        assert bucket.wait(now) == 0.0
        bucket.take(now)
    assert now == pytest.approx(999 / 7, rel=1e-6)


def test_a_refusal_halves_the_rate_and_empties_the_bucket() -> None:
    """AWS's bucket was emptier than ours: believe it."""
    bucket = TokenBucket(20, 100, 0.0)
    bucket.slow_down(0.0)
    assert bucket.wait(0.0) == pytest.approx(0.1)


def test_refusals_of_calls_under_way_together_count_once() -> None:
    """Sixteen threads refused in the same second halve the rate once."""
    bucket = TokenBucket(20, 1, 0.0)
    for _ in range(16):
        bucket.slow_down(0.0)
    assert "10.00/s" in repr(bucket)


def test_the_rate_recovers_in_half_a_minute_and_has_a_floor() -> None:
    """Refused for ever it still tries; left alone it is as quick as before."""
    bucket = TokenBucket(20, 1, 0.0)
    for second in range(100):
        bucket.slow_down(float(second))
    assert bucket.wait(100.0) < 1.0
    bucket.wait(200.0)
    assert "20.00/s of 20/s" in repr(bucket)


def test_half_of_what_was_lost_is_back_after_half_of_the_time() -> None:
    """From half the rate to all of it takes 15 s, evenly."""
    bucket = TokenBucket(20, 1, 0.0)
    bucket.slow_down(0.0)
    bucket.wait(7.5)
    assert "15.00/s" in repr(bucket)
    bucket.wait(15.0)
    assert "20.00/s" in repr(bucket)


def test_refusals_a_second_apart_count_each() -> None:
    """What is refused then was sent after the first refusal was known."""
    bucket = TokenBucket(20, 1, 0.0)
    bucket.slow_down(0.0)
    bucket.slow_down(1.0)
    assert "5.33/s" in repr(bucket)


def test_a_token_given_back_is_one_token_and_no_more_than_the_burst() -> None:
    """A call that was not made leaves the bucket as it was."""
    bucket = TokenBucket(1, 2, 0.0)
    assert taken(bucket, 0.0) == 2
    bucket.give_back()
    assert taken(bucket, 0.0) == 1
    for _ in range(5):
        bucket.give_back()
    assert taken(bucket, 0.0) == 2


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    """Threads read the clock before they hold the lock: an older time is no new token."""
    bucket = TokenBucket(1, 1, 10.0)
    bucket.take(10.0)
    assert bucket.wait(5.0) == pytest.approx(1.0)
    assert bucket.wait(10.0) == pytest.approx(1.0)


def limiter() -> RateLimiter:
    """Return a limiter whose launches are the bottleneck."""
    return RateLimiter(run_task_rate=10, run_task_burst=5, launch_rate=1, launch_burst=2, now=0.0)


def test_spot_and_on_demand_have_launches_of_their_own() -> None:
    """Two of each at once; what is not Fargate's shares the On-Demand bucket."""
    limits = limiter()
    for capacity in ("FARGATE", "FARGATE", "FARGATE_SPOT", "FARGATE_SPOT"):
        assert limits.wait(capacity, 0.0) == 0.0
        limits.take(capacity, 0.0)
    assert limits.wait("FARGATE", 0.0) == pytest.approx(1.0)
    assert limits.wait("my-instances", 0.0) == pytest.approx(1.0)
    assert limits.wait("FARGATE_SPOT", 0.0) == pytest.approx(1.0)


def test_calls_are_limited_across_capacities() -> None:
    """One RunTask bucket for all."""
    limits = RateLimiter(run_task_rate=1, run_task_burst=1, launch_rate=100, launch_burst=100, now=0.0)
    limits.take("FARGATE", 0.0)
    assert limits.wait("FARGATE_SPOT", 0.0) == pytest.approx(1.0)
    limits.slow_down(5.0)
    assert limits.wait("FARGATE_SPOT", 5.0) > 1.0


def test_a_tenth_of_a_burst_is_left_for_calls_that_come_early() -> None:
    """Sent evenly, calls arrive unevenly: an AWS bucket of 20 is not drawn below 2."""
    limits = RateLimiter(run_task_rate=20, run_task_burst=20, launch_rate=100, launch_burst=100, now=0.0)
    for _ in range(18):
        assert limits.wait("FARGATE", 0.0) == 0.0
        limits.take("FARGATE", 0.0)
    assert limits.wait("FARGATE", 0.0) == pytest.approx(0.05)
