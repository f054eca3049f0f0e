"""Time as an argument: what the parts ask for it, and the real one."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from. Tests pass one that they move by hand."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for intervals and deadlines."""
        ...

    def time(self) -> float:
        """Return seconds since the epoch, for comparing with AWS's timestamps."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Return :func:`time.monotonic`."""
        return time.monotonic()

    def time(self) -> float:
        """Return :func:`time.time`."""
        return time.time()
