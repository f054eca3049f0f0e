"""AWS's token buckets for ECS and for Fargate launches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TokenBucket:
    """`burst` tokens at most, `rate` a second coming back. `take` says whether there was one to take."""

    burst: float
    rate: float
    tokens: float | None = None
    updated: float = 0.0

    def take(self, now: float) -> bool:
        """Take a token at `now` (seconds); False when there is none."""
        held = self.burst if self.tokens is None else self.tokens + (now - self.updated) * self.rate
        self.tokens, self.updated = min(held, self.burst), now
        # Sums of fractions fall a hair short of a whole token.
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True


class Limits:
    """The buckets of one account and region; `scale` raises every quota by that factor."""

    def __init__(self, scale: float = 1.0) -> None:
        self.changes = TokenBucket(100 * scale, 40 * scale)
        self.fargate_calls = TokenBucket(20 * scale, 20 * scale)
        self.reads = TokenBucket(100 * scale, 20 * scale)
        self.launches = {
            "FARGATE": TokenBucket(100 * scale, 20 * scale),
            "FARGATE_SPOT": TokenBucket(100 * scale, 20 * scale),
        }

    def admit(self, operation: str, now: float) -> bool:
        """Whether a call of this operation is let in at `now`."""
        if operation.startswith(("Describe", "List")):
            return self.reads.take(now)
        if operation == "RunTask":
            # Both are asked every time: a call refused by one has cost the other its token.
            return all([self.changes.take(now), self.fargate_calls.take(now)])
        return self.changes.take(now)

    def admit_launch(self, provider: str, now: float) -> bool:
        """Whether Fargate starts one more task on this provider at `now`; other providers have no limit."""
        bucket = self.launches.get(provider)
        return bucket is None or bucket.take(now)
