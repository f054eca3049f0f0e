"""Attempts that wait to be launched: highest priority first, as the limits allow. Shared by threads."""

from __future__ import annotations

import heapq
import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.aws.rate_limiter import RateLimiter
    from airflow_fargate.tasks.launch import Attempt

STALLED_SECONDS = 1.0
"""Pause of a thread that may not act."""


class LaunchQueue:
    """Decides which attempt is to be launched next, and when; launches nothing.

    Args:
        limiter: the rates.
        capacity_of: the capacity provider that an attempt asks for.
        clock: monotonic seconds.
        may_act: says whether anything may be launched now (:class:`~airflow_fargate.fleet.lease.Lease`).
    """

    def __init__(
        self,
        limiter: RateLimiter,
        capacity_of: Callable[[Attempt], str],
        clock: Callable[[], float],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_act = may_act
        self._limiter = limiter
        self._capacity_of = capacity_of
        self._clock = clock
        self._order = itertools.count()
        self._ready: dict[str, list[tuple[int, int, Attempt]]] = {}
        self._later: list[tuple[float, int, Attempt]] = []
        # Launch id -> its one attempt. An attempt that is not the one here any more is skipped in the heaps.
        self._waiting: dict[str, Attempt] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        # The thread that holds it waits for the next token; the others wait for it. So a token wakes one
        # thread, and not sixty of which one finds it.
        self._front = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, attempt: Attempt, delay: float = 0.0) -> None:
        """Add an attempt that may be launched after ``delay`` seconds; of two rounds the later one stays."""
        launch_id = attempt.launch.launch_id
        with self._lock:
            before = self._waiting.get(launch_id)
            if before is not None and before.round > attempt.round:
                return
            self._waiting[launch_id] = attempt
            if delay > 0:
                heapq.heappush(self._later, (self._clock() + delay, next(self._order), attempt))
            else:
                self._make_ready(attempt)
            self._changed.notify()

    def take(self) -> Attempt | float:
        """Return the attempt to launch now, its tokens taken; or the seconds until there may be one.

        An attempt that is moot takes no tokens: nothing is called for it.
        """
        with self._lock:
            now = self._clock()
            capacity, wait = self._soonest(now)
            if wait > 0:
                return wait
            attempt = heapq.heappop(self._ready[capacity])[2]
            if not attempt.is_moot:
                self._limiter.take(capacity, now)
            del self._waiting[attempt.launch.launch_id]
            return attempt

    def wait(self, seconds: float) -> None:
        """Block the calling thread for so long, or until there may be something to take before that."""
        with self._front, self._lock:
            seconds = min(seconds, self._soonest(self._clock())[1], threading.TIMEOUT_MAX)
            if seconds > 0 and not self._closed:
                self._changed.wait(timeout=seconds)

    def close(self) -> None:
        """Let every thread that waits go on, now and from now on."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()

    def slow_down(self) -> None:
        """AWS refused a call for its rate."""
        with self._lock:
            self._limiter.slow_down(self._clock())

    def _soonest(self, now: float) -> tuple[str, float]:
        """Return the capacity of the attempt to launch next, and the seconds until it may be."""
        if not self._may_act():
            return "", STALLED_SECONDS
        while self._later and self._later[0][0] <= now:
            attempt = heapq.heappop(self._later)[2]
            if self._is_waiting(attempt):
                self._make_ready(attempt)
        capacity, wait = "", self._later[0][0] - now if self._later else float("inf")
        for each in sorted(filter(self._prune, list(self._ready)), key=lambda each: self._ready[each][0][:2]):
            seconds = 0.0 if self._ready[each][0][2].is_moot else self._limiter.wait(each, now)
            if seconds < wait:
                capacity, wait = each, seconds
            if seconds <= 0:
                break  # The heaviest of those that may go now.
        return capacity, wait

    def _make_ready(self, attempt: Attempt) -> None:
        heap = self._ready.setdefault(self._capacity_of(attempt), [])
        heapq.heappush(heap, (-attempt.launch.priority, next(self._order), attempt))

    def _prune(self, capacity: str) -> bool:
        """Drop what was replaced from the top of a heap; say whether anything is left."""
        heap = self._ready[capacity]
        while heap and not self._is_waiting(heap[0][2]):
            heapq.heappop(heap)
        if not heap:
            del self._ready[capacity]
        return bool(heap)

    def _is_waiting(self, attempt: Attempt) -> bool:
        return self._waiting.get(attempt.launch.launch_id) is attempt
