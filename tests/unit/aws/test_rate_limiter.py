"""Token buckets that model AWS's limits."""

from __future__ import annotations

import pytest

from airflow_fargate.aws.rate_limiter import RateLimiter, TokenBucket


def taken(bucket: TokenBucket, now: float) -> int:
    """Take all available tokens; return how many."""
    count = 0
    while bucket.wait(now) == 0.0:
        bucket.take(now)
        count += 1
    return count


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    """20 at once, then 20 per second, and never more than the burst."""
    bucket = TokenBucket(20, 20, 0.0)
    assert taken(bucket, 0.0) == 20
    assert bucket.wait(0.0) == pytest.approx(0.05)
    assert taken(bucket, 0.5) == 10
    assert taken(bucket, 1000.0) == 20


def test_waiting_for_the_returned_seconds_is_enough() -> None:
    """After wait() seconds a token is available."""
    bucket = TokenBucket(7, 1, 0.0)
    now = 0.0
    for _ in range(1000):
        now += bucket.wait(now)
        assert bucket.wait(now) == 0.0
        bucket.take(now)
    assert now == pytest.approx(999 / 7, rel=1e-6)


def test_throttling_halves_the_rate_and_empties_the_bucket() -> None:
    """AWS's bucket had fewer tokens than ours."""
    bucket = TokenBucket(20, 100, 0.0)
    bucket.slow_down(0.0)
    assert bucket.wait(0.0) == pytest.approx(0.1)


def test_throttled_calls_in_flight_together_count_once() -> None:
    """Sixteen threads that are throttled in the same second halve the rate once."""
    bucket = TokenBucket(20, 1, 0.0)
    for _ in range(16):
        bucket.slow_down(0.0)
    assert "10.00/s" in repr(bucket)


def test_the_rate_recovers_in_half_a_minute_and_has_a_floor() -> None:
    """Even if throttled forever, calls continue slowly."""
    bucket = TokenBucket(20, 1, 0.0)
    for second in range(100):
        bucket.slow_down(float(second))
    assert bucket.wait(100.0) < 1.0
    bucket.wait(200.0)
    assert "20.00/s of 20/s" in repr(bucket)


def test_the_rate_recovers_linearly() -> None:
    """From half the rate to the full rate takes 15 s."""
    bucket = TokenBucket(20, 1, 0.0)
    bucket.slow_down(0.0)
    bucket.wait(7.5)
    assert "15.00/s" in repr(bucket)
    bucket.wait(15.0)
    assert "20.00/s" in repr(bucket)


def test_throttled_calls_a_second_apart_count_each() -> None:
    """The second call was sent after the first answer was known."""
    bucket = TokenBucket(20, 1, 0.0)
    bucket.slow_down(0.0)
    bucket.slow_down(1.0)
    assert "5.33/s" in repr(bucket)


def test_a_returned_token_is_available_again() -> None:
    """The bucket never holds more than its burst."""
    bucket = TokenBucket(1, 2, 0.0)
    assert taken(bucket, 0.0) == 2
    bucket.give_back()
    assert taken(bucket, 0.0) == 1
    for _ in range(5):
        bucket.give_back()
    assert taken(bucket, 0.0) == 2


def test_an_older_time_adds_no_tokens() -> None:
    """Threads read the clock before they hold the lock."""
    bucket = TokenBucket(1, 1, 10.0)
    bucket.take(10.0)
    assert bucket.wait(5.0) == pytest.approx(1.0)
    assert bucket.wait(10.0) == pytest.approx(1.0)


def limiter() -> RateLimiter:
    """Return a limiter whose launch rate is the limit."""
    return RateLimiter(run_task_rate=10, run_task_burst=5, launch_rate=1, launch_burst=2, now=0.0)


def test_spot_and_on_demand_have_separate_limits() -> None:
    """Other capacity shares the On-Demand bucket."""
    limits = limiter()
    for capacity in ("FARGATE", "FARGATE", "FARGATE_SPOT", "FARGATE_SPOT"):
        assert limits.wait(capacity, 0.0) == 0.0
        limits.take(capacity, 0.0)
    assert limits.wait("FARGATE", 0.0) == pytest.approx(1.0)
    assert limits.wait("my-instances", 0.0) == pytest.approx(1.0)
    assert limits.wait("FARGATE_SPOT", 0.0) == pytest.approx(1.0)


def test_calls_are_limited_across_capacities() -> None:
    """All capacities share the bucket for RunTask calls."""
    limits = RateLimiter(run_task_rate=1, run_task_burst=1, launch_rate=100, launch_burst=100, now=0.0)
    limits.take("FARGATE", 0.0)
    assert limits.wait("FARGATE_SPOT", 0.0) == pytest.approx(1.0)
    limits.slow_down(5.0)
    assert limits.wait("FARGATE_SPOT", 5.0) > 1.0


def test_a_tenth_of_the_burst_is_kept() -> None:
    """Calls do not arrive as evenly as they are sent."""
    limits = RateLimiter(run_task_rate=20, run_task_burst=20, launch_rate=100, launch_burst=100, now=0.0)
    for _ in range(18):
        assert limits.wait("FARGATE", 0.0) == 0.0
        limits.take("FARGATE", 0.0)
    assert limits.wait("FARGATE", 0.0) == pytest.approx(0.05)


def test_half_a_burst_is_kept_for_launches_that_somebody_waits_for() -> None:
    """A refill of standbys may use tokens down to half of a burst, and at least one."""
    bucket = TokenBucket(20, 20, 0.0)
    for left in range(19, 9, -1):
        bucket.take(0.0)
        assert bucket.is_half_full(0.0) is (left >= 10)
    bucket.take(0.0)
    assert bucket.is_half_full(0.0) is False
    assert bucket.is_half_full(0.1) is True
    single = TokenBucket(1, 1, 0.0)
    assert single.is_half_full(0.0) is True
    single.take(0.0)
    assert single.is_half_full(0.9) is False


@pytest.mark.parametrize("empty", ["_api", "FARGATE"])
def test_a_launch_that_can_wait_needs_half_of_both_bursts(empty: str) -> None:
    """Of RunTask calls, and of launches on its capacity."""
    limiter = RateLimiter(20, 20, 20, 100, 0.0)
    assert limiter.has_spare("FARGATE", 0.0) is True
    bucket = limiter._api if empty == "_api" else limiter._bucket(empty, 0.0)
    assert taken(bucket, 0.0) > 0
    assert limiter.has_spare("FARGATE", 0.0) is False
