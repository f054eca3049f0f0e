"""How long to wait before a launch is tried again. Pure but for the random numbers, which are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_fargate.failures import LaunchErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class RetryPolicy:
    """Jittered exponential backoff.

    Args:
        first: seconds before the second try.
        longest: seconds that no wait exceeds.
        random: returns a number in [0, 1).
    """

    random: Callable[[], float]
    first: float = 1.0
    longest: float = 30.0

    def delay(self, kind: LaunchErrorKind, refusals: int, now: float, deadline: float) -> float | None:
        """Return the seconds to wait, or None when the launch is to be given up.

        Args:
            kind: what the last refusal means.
            refusals: how many there were in a row, this one included.
            now: monotonic seconds.
            deadline: monotonic seconds after which no try begins.
        """
        if kind is LaunchErrorKind.PERMANENT or now >= deadline:
            return None
        longest: float = min(self.longest, self.first * (1 << min(refusals - 1, 16)))
        # Half fixed, half random: never at once, and never all together.
        wait = longest / 2 + self.random() * longest / 2
        # The last try is made at the deadline rather than never.
        return min(wait, max(0.0, deadline - now))
