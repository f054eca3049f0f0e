"""Attempts that wait for their turn: highest priority first, as the limits allow. Shared by threads."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.launch import Attempt
    from airflow_fargate.rate_limiter import RateLimiter


@dataclass(frozen=True, eq=False)
class _Entry:
    """One attempt's place; told from another of the same launch by being another object."""

    attempt: Attempt


class LaunchQueue:
    """Decides which attempt is to be launched next, and when; launches nothing.

    Args:
        limiter: the rates.
        capacity_of: the capacity provider that an attempt asks for.
        clock: monotonic seconds.
    """

    def __init__(
        self, limiter: RateLimiter, capacity_of: Callable[[Attempt], str], clock: Callable[[], float]
    ) -> None:
        self._limiter = limiter
        self._capacity_of = capacity_of
        self._clock = clock
        self._order = itertools.count()
        self._ready: dict[str, list[tuple[int, int, _Entry]]] = {}
        self._later: list[tuple[float, int, _Entry]] = []
        # Launch id -> its one entry. An entry that is not the one here any more is skipped in the heaps.
        self._waiting: dict[str, _Entry] = {}
        self._lock = threading.RLock()
        # One thread waits for the next token, the others for their turn to: a token wakes one thread, and not
        # sixty of which one finds it.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._turn = threading.Condition(self._lock)
        self._leads = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, attempt: Attempt, delay: float = 0.0) -> Attempt | None:
        """Add an attempt that may be launched after ``delay`` seconds.

        Returns:
            The attempt of the same launch that it leaves out, if there was one: of two the later round stays.
        """
        launch_id = attempt.launch.launch_id
        with self._lock:
            before = self._waiting.get(launch_id)
            if before is not None and before.attempt.round > attempt.round:
                return attempt
            entry = self._waiting[launch_id] = _Entry(attempt)
            if delay > 0:
                heapq.heappush(self._later, (self._clock() + delay, next(self._order), entry))
            else:
                self._make_ready(entry)
            self.ring()
            return before.attempt if before is not None else None

    def cancel(self, launch_id: str) -> Attempt | None:
        """Take an attempt out and return it; None when it is not here (it is being launched, or was)."""
        with self._lock:
            entry = self._waiting.pop(launch_id, None)
            return entry.attempt if entry is not None else None

    def take(self) -> Attempt | float:
        """Return the attempt to launch now, its tokens taken; or the seconds until there may be one."""
        with self._lock:
            now = self._clock()
            capacity, wait = self._soonest(now)
            if wait > 0:
                return wait
            self._limiter.take(capacity, now)
            attempt = heapq.heappop(self._ready[capacity])[2].attempt
            del self._waiting[attempt.launch.launch_id]
            self._turn.notify()
            return attempt

    def wait(self, seconds: float) -> None:
        """Block the calling thread until it is its turn to look again, or for so long.

        What was put in since the thread last looked does not wait for the next: it looks once more first.
        """
        with self._lock:
            if self._leads:
                self._turn.wait(timeout=seconds)
                return
            self._leads = True
            seconds = min(seconds, self._soonest(self._clock())[1])
        try:
            self._bell.get(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX)))
        except queue.Empty:
            pass
        finally:
            with self._lock:
                self._leads = False

    def ring(self) -> None:
        """Have a waiting thread look again, without waiting for a lock: for the scheduler's thread."""
        self._bell.put(None)

    def heard(self) -> None:
        """Say that the calling thread looks now: what the bell was rung for before this is seen to."""
        try:
            while True:
                self._bell.get_nowait()
        except queue.Empty:
            return

    def wake(self) -> None:
        """Let every thread that waits look again."""
        with self._lock:
            self.ring()
            self._turn.notify_all()

    def slow_down(self) -> None:
        """AWS refused a call for its rate."""
        with self._lock:
            self._limiter.slow_down(self._clock())

    def _soonest(self, now: float) -> tuple[str, float]:
        """Return the capacity of the attempt to launch next, and the seconds until it may be."""
        while self._later and self._later[0][0] <= now:
            entry = heapq.heappop(self._later)[2]
            if self._is_waiting(entry):
                self._make_ready(entry)
        capacity, wait = "", self._later[0][0] - now if self._later else float("inf")
        for each in sorted(filter(self._prune, list(self._ready)), key=lambda each: self._ready[each][0][:2]):
            seconds = self._limiter.wait(each, now)
            if seconds < wait:
                capacity, wait = each, seconds
            if seconds <= 0:
                break  # The heaviest of those that may go now.
        return capacity, wait

    def _make_ready(self, entry: _Entry) -> None:
        heap = self._ready.setdefault(self._capacity_of(entry.attempt), [])
        heapq.heappush(heap, (-entry.attempt.launch.priority, next(self._order), entry))

    def _prune(self, capacity: str) -> bool:
        """Drop what was taken out from the top of a heap; say whether anything is left."""
        heap = self._ready[capacity]
        while heap and not self._is_waiting(heap[0][2]):
            heapq.heappop(heap)
        if not heap:
            del self._ready[capacity]
        return bool(heap)

    def _is_waiting(self, entry: _Entry) -> bool:
        return self._waiting.get(entry.attempt.launch.launch_id) is entry
