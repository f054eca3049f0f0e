"""Clocks: the real one, and one that stands still until a test moves it."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("local_cloud")

DEFAULT_START = 1_767_225_600.0  # 2026-01-01T00:00:00Z


class Timer:
    """One call due at a time; `cancel()` makes it a no-op."""

    __slots__ = ("call", "cancelled", "due")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        """Never call; harmless when it has been called already."""
        self.cancelled = True


class Clock(Protocol):
    """What the task plane asks of time: seconds since the epoch, and calls at a later time."""

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call once, `delay` seconds from now (0: as soon as the clock runs its calls)."""


class ManualClock:
    """A clock that moves only when `advance` says so; calls due on the way run in order, in its thread.

    Safe to read from several threads. Calling the clock itself gives seconds, so that it can stand
    wherever `time.time` or `time.monotonic` is expected.
    """

    def __init__(self, start: float = DEFAULT_START) -> None:
        self._now = start
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    __call__ = now

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call once when the clock has been moved `delay` seconds on."""
        with self._lock:
            timer = Timer(self._now + max(delay, 0.0), call)
            heapq.heappush(self._timers, (timer.due, next(self._order), timer))
            return timer

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, running what falls due on the way, each at its own time."""
        self.advance_to(self._now + seconds)

    sleep = advance

    def advance_to(self, when: float) -> None:
        """Move on to `when` (seconds since the epoch); a time in the past raises ValueError."""
        if when < self._now:
            raise ValueError(f"the clock cannot go back from {self._now} to {when}")
        while (timer := self._next_due(when)) is not None:
            timer.call()
        self._now = when

    def next_due(self) -> float | None:
        """When the next call is due, or None when nothing is."""
        with self._lock:
            while self._timers and self._timers[0][2].cancelled:
                heapq.heappop(self._timers)
            return self._timers[0][0] if self._timers else None

    def _next_due(self, when: float) -> Timer | None:
        with self._lock:
            due = self.next_due()
            if due is None or due > when:
                return None
            timer = heapq.heappop(self._timers)[2]
            self._now = max(self._now, due)
            return timer

    def __repr__(self) -> str:
        return f"ManualClock(now={self._now}, timers={len(self._timers)})"


class SystemClock:
    """The machine's clock; due calls run one after another in one thread of its own."""

    def __init__(self) -> None:
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call once, `delay` seconds from now, in the clock's thread."""
        timer = Timer(time.monotonic() + max(delay, 0.0), call)
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="local-cloud-clock", daemon=True)
                self._thread.start()
            heapq.heappush(self._timers, (timer.due, next(self._order), timer))
            if self._timers[0][2] is timer:
                self._changed.notify()
        return timer

    def close(self) -> None:
        """Run nothing more."""
        with self._changed:
            self._closed = True
            self._timers.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._timers or self._timers[0][0] > time.monotonic()):
                    self._changed.wait(self._timers[0][0] - time.monotonic() if self._timers else None)
                if self._closed:
                    return
                timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                self._call(timer)

    @staticmethod
    def _call(timer: Timer) -> None:
        try:
            timer.call()
        except Exception:
            # One bad call must not end the time of all the others.
            log.exception("a call of the clock failed")
