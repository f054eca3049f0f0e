"""Clocks, which are passed to the parts that need the time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time. Tests pass one that they advance."""

    def monotonic(self) -> float:
        """Return seconds that never decrease, for intervals and deadlines."""
        ...

    def time(self) -> float:
        """Return seconds since the epoch, to compare with AWS's timestamps."""
        ...


class SystemClock:
    """The system's clocks."""

    def monotonic(self) -> float:
        """Return :func:`time.monotonic`."""
        return time.monotonic()

    def time(self) -> float:
        """Return :func:`time.time`."""
        return time.time()
