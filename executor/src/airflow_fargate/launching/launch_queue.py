"""Attempts waiting to be launched: highest priority first, within the rate limits. Thread-safe."""

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
"""How long a thread pauses while it may not act."""


class LaunchQueue:
    """Decides which attempt is launched next, and when.

    Args:
        limiter: the rate limits.
        capacity_of: returns the capacity provider of an attempt.
        clock: monotonic seconds.
        may_act: returns whether anything may be launched now (:class:`~airflow_fargate.fleet.lease.Lease`).
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
        # Launch id -> its current attempt. The heaps may hold older ones, which are skipped.
        self._waiting: dict[str, Attempt] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        # Only the thread that holds this lock waits for the next token, so that a token wakes one thread
        # instead of all of them.
        self._front = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, attempt: Attempt, delay: float = 0.0) -> None:
        """Add an attempt to launch after ``delay`` seconds; the later of two rounds replaces the earlier."""
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
        """Return the attempt to launch now and take its tokens; or return the seconds until one may be due.

        A moot attempt takes no tokens, because it makes no call.
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

    def take_spare(self, capacity: str) -> bool:
        """Take the tokens of a launch that nobody waits for; False if a launch waits or tokens are few."""
        with self._lock:
            now = self._clock()
            if self._waiting or self._closed or not self._limiter.has_spare(capacity, now):
                return False
            self._limiter.take(capacity, now)
            return True

    def wait(self, seconds: float) -> None:
        """Block for ``seconds``, or until an attempt may be due."""
        with self._front, self._lock:
            seconds = min(seconds, self._soonest(self._clock())[1], threading.TIMEOUT_MAX)
            if seconds > 0 and not self._closed:
                self._changed.wait(timeout=seconds)

    def close(self) -> None:
        """Wake all waiting threads, and never block again."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()

    def slow_down(self) -> None:
        """Halve the rate, because AWS throttled a call."""
        with self._lock:
            self._limiter.slow_down(self._clock())

    def rate(self) -> tuple[float, float]:
        """Return how many launches a second are allowed now, and while AWS does not throttle."""
        with self._lock:
            return self._limiter.rate(self._clock())

    def _soonest(self, now: float) -> tuple[str, float]:
        """Return the capacity of the next attempt, and the seconds until it may be launched."""
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
                break  # The highest priority among those that may be launched now.
        return capacity, wait

    def _make_ready(self, attempt: Attempt) -> None:
        heap = self._ready.setdefault(self._capacity_of(attempt), [])
        heapq.heappush(heap, (-attempt.launch.priority, next(self._order), attempt))

    def _prune(self, capacity: str) -> bool:
        """Drop replaced attempts from the top of a heap; return whether any attempt is left."""
        heap = self._ready[capacity]
        while heap and not self._is_waiting(heap[0][2]):
            heapq.heappop(heap)
        if not heap:
            del self._ready[capacity]
        return bool(heap)

    def _is_waiting(self, attempt: Attempt) -> bool:
        return self._waiting.get(attempt.launch.launch_id) is attempt
