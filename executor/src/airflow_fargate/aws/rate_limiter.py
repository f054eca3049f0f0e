"""Token buckets that model AWS's limits, slow down when AWS says so, and recover.

AWS refills its buckets continuously and refuses what finds them empty (ECS API reference, "Request
throttling"); so do these. Two schedulers need not talk to each other: both halve on a refusal and climb back
slowly, which converges on a fair share (as TCP does).
"""

from __future__ import annotations

_FLOOR = 0.05
_MARGIN = 0.1
"""The share of a burst that is left in AWS's bucket. Calls do not arrive as evenly as they were sent: one
that comes a few milliseconds early would find an empty bucket, and be a refusal that slows all down."""
_RECOVERY_SECONDS = 30.0


class TokenBucket:
    """One limit.

    Args:
        rate: tokens per second when nothing was refused.
        burst: tokens that a full bucket holds; it begins full.
        now: the monotonic time of its making, in seconds.
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
        """Return the seconds until a token is there; 0.0 when one is there now."""
        self._refill(now)
        # A hair less than one token is one: sums of floating-point seconds do not come out even.
        return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / self._rate

    def take(self, now: float) -> None:
        """Take one token; the caller has seen that :meth:`wait` is 0."""
        self._refill(now)
        self._tokens -= 1

    def is_half_full(self, now: float) -> bool:
        """Return whether at least half of a burst is left."""
        self._refill(now)
        return self._tokens >= max(1.0, self.burst / 2)

    def give_back(self) -> None:
        """Return a token that was taken for a call that was not made."""
        self._tokens = min(self.burst, self._tokens + 1)

    def slow_down(self, now: float) -> None:
        """AWS refused a call: halve the rate, and believe that AWS's bucket is empty.

        The refusals of calls that were under way together count once.
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
    """The limits that one launch passes: the RunTask API, and the launches of its kind of capacity.

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
        """Return the seconds until a launch on this capacity may be made."""
        return max(self._api.wait(now), self._bucket(capacity, now).wait(now))

    def take(self, capacity: str, now: float) -> None:
        """Take what one launch needs."""
        self._api.take(now)
        self._bucket(capacity, now).take(now)

    def has_spare(self, capacity: str, now: float) -> bool:
        """Return whether a launch that nobody waits for may be made: it leaves half of each burst."""
        return self._api.is_half_full(now) and self._bucket(capacity, now).is_half_full(now)

    def slow_down(self, now: float) -> None:
        """AWS said that calls come too fast. It does not say which limit it was: the API's is slowed."""
        self._api.slow_down(now)

    def _bucket(self, capacity: str, now: float) -> TokenBucket:
        # Fargate counts On-Demand and Spot apart ("Fargate throttling quotas"); whatever else there is is
        # not Fargate's and shares the first bucket.
        kind = "FARGATE_SPOT" if capacity == "FARGATE_SPOT" else "FARGATE"
        if kind not in self._by_capacity:
            self._by_capacity[kind] = TokenBucket(*self._launches, now)
        return self._by_capacity[kind]


def _below(burst: int) -> int:
    return burst - int(burst * _MARGIN)
