"""Token buckets that model AWS's rate limits, slow down when AWS throttles, and recover.

AWS refills its buckets continuously and throttles calls that find them empty (ECS API reference, "Request
throttling"). These buckets do the same. Two schedulers need no coordination: each halves its rate when it is
throttled and recovers slowly, which converges on a fair share, as in TCP.
"""

from __future__ import annotations

_FLOOR = 0.05
_MARGIN = 0.1
"""The part of a burst that stays in AWS's bucket. Calls do not arrive as evenly as they are sent: one that
arrives a few milliseconds early would find an empty bucket, and the throttling would slow down all calls."""
_RECOVERY_SECONDS = 30.0


class TokenBucket:
    """One limit.

    Args:
        rate: tokens per second while AWS does not throttle.
        burst: tokens in a full bucket; it starts full.
        now: the monotonic time now, in seconds.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.full_rate = rate
        self.burst = burst
        self._rate = rate
        self._tokens = float(burst)
        self._at = now
        self._slowed_at = float("-inf")

    def __repr__(self) -> str:
        return (
            f"<TokenBucket {self._tokens:.1f} of {self.burst:g}, {self._rate:.2f}/s of {self.full_rate:g}/s>"
        )

    def wait(self, now: float) -> float:
        """Return the seconds until a token is available; 0.0 if one is available now."""
        self._refill(now)
        # Allow for rounding errors in sums of floating-point seconds.
        return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / self._rate

    def take(self, now: float) -> None:
        """Take one token. Call it only if :meth:`wait` returned 0."""
        self._refill(now)
        self._tokens -= 1

    def rate(self, now: float) -> float:
        """Return the tokens per second now: fewer than ``full_rate`` for a while after AWS throttled."""
        self._refill(now)
        return self._rate

    def is_half_full(self, now: float) -> bool:
        """Return whether at least half of a burst is left."""
        self._refill(now)
        return self._tokens >= max(1.0, self.burst / 2)

    def give_back(self) -> None:
        """Return the token of a call that was not made."""
        self._tokens = min(self.burst, self._tokens + 1)

    def slow_down(self, now: float) -> None:
        """Halve the rate because AWS throttled a call, and assume that AWS's bucket is empty.

        Throttled calls that were in flight together count once.
        """
        self._refill(now)
        if now - self._slowed_at < 1.0:
            return
        self._slowed_at = now
        self._rate = max(self._rate / 2, self.full_rate * _FLOOR)
        self._tokens = min(self._tokens, 0.0)

    def _refill(self, now: float) -> None:
        seconds = max(0.0, now - self._at)
        self._at = max(self._at, now)
        self._tokens = min(self.burst, self._tokens + seconds * self._rate)
        self._rate = min(self.full_rate, self._rate + seconds * self.full_rate / _RECOVERY_SECONDS)


class RateLimiter:
    """The limits of a launch: on calls of RunTask, and on launches of its kind of capacity.

    Args:
        run_task_rate, run_task_burst: RunTask calls per second, and at once.
        launch_rate, launch_burst: tasks per second and at once, for On-Demand and for Spot each.
        now: monotonic seconds.
    """

    def __init__(
        self, run_task_rate: float, run_task_burst: int, launch_rate: float, launch_burst: int, now: float
    ) -> None:
        self._api = TokenBucket(run_task_rate, _below(run_task_burst), now)
        self._launches = (launch_rate, _below(launch_burst))
        self._by_capacity: dict[str, TokenBucket] = {}

    def wait(self, capacity: str, now: float) -> float:
        """Return the seconds until a launch on this capacity is allowed."""
        return max(self._api.wait(now), self._bucket(capacity, now).wait(now))

    def take(self, capacity: str, now: float) -> None:
        """Take the tokens of one launch."""
        self._api.take(now)
        self._bucket(capacity, now).take(now)

    def rate(self, now: float) -> tuple[float, float]:
        """Return how many RunTask calls a second are allowed now, and while AWS does not throttle."""
        return self._api.rate(now), self._api.full_rate

    def has_spare(self, capacity: str, now: float) -> bool:
        """Return whether a launch that nobody waits for may be made: it leaves half of each burst."""
        return self._api.is_half_full(now) and self._bucket(capacity, now).is_half_full(now)

    def slow_down(self, now: float) -> None:
        """Slow down the API's limit, because AWS throttled a call without saying which limit was exceeded."""
        self._api.slow_down(now)

    def _bucket(self, capacity: str, now: float) -> TokenBucket:
        # Fargate has separate quotas for On-Demand and Spot ("Fargate throttling quotas"). Other capacity is
        # not limited by Fargate, and shares the first bucket.
        kind = "FARGATE_SPOT" if capacity == "FARGATE_SPOT" else "FARGATE"
        if kind not in self._by_capacity:
            self._by_capacity[kind] = TokenBucket(*self._launches, now)
        return self._by_capacity[kind]


def _below(burst: int) -> int:
    return burst - int(burst * _MARGIN)
