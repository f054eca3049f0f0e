"""Of the threads that wait for a launch, one is woken at a time."""

from __future__ import annotations

import threading

from airflow_fargate.launch import Attempt
from airflow_fargate.launch_queue import LaunchQueue
from airflow_fargate.rate_limiter import RateLimiter
from airflow_fargate.testing import ManualClock
from unit.examples import an_attempt


class Waiters:
    """Threads in wait()."""

    def __init__(self, queue: LaunchQueue, count: int) -> None:
        self.queue = queue
        self.woken = threading.Semaphore(0)
        self.ended = 0
        for _ in range(count):
            threading.Thread(target=self._wait, daemon=True).start()
        while not self._all_wait(count):
            pass

    def _all_wait(self, count: int) -> bool:
        with self.queue._lock:
            return self.queue._leads + len(self.queue._turn._waiters) == count

    def _wait(self) -> None:
        self.queue.wait(30.0)
        self.woken.release()

    def now_woken(self) -> int:
        """Return how many have come back since the last look; waits for the first."""
        assert self.woken.acquire(timeout=10)
        return 1 + sum(self.woken.acquire(blocking=False) for _ in range(10))


def a_queue() -> LaunchQueue:
    """Return a queue with plenty of tokens."""
    return LaunchQueue(RateLimiter(1000, 1000, 1000, 1000, 0.0), lambda _: "FARGATE", ManualClock().monotonic)


def test_what_is_put_in_wakes_one_thread_and_what_is_taken_the_next() -> None:
    """Sixty threads that all look for one token would cost more than the launch."""
    queue = a_queue()
    waiters = Waiters(queue, 3)
    queue.put(an_attempt(1))
    queue.put(an_attempt(2))
    assert waiters.now_woken() == 1
    assert isinstance(queue.take(), Attempt)
    assert waiters.now_woken() == 1


def test_wake_wakes_all() -> None:
    """At the end nobody is left waiting."""
    queue = a_queue()
    waiters = Waiters(queue, 3)
    queue.wake()
    for _ in range(3):
        assert waiters.woken.acquire(timeout=10)


def test_who_rings_waits_for_no_lock() -> None:
    """The scheduler's thread hands over while sixty threads contend for the queue."""
    queue = a_queue()
    waiters = Waiters(queue, 2)
    with queue._lock:
        ringing = threading.Thread(target=queue.ring, daemon=True)
        ringing.start()
        ringing.join(10)
        assert not ringing.is_alive()
    assert waiters.now_woken() == 1


def test_a_bell_rung_before_the_wait_is_heard() -> None:
    """What is handed over between a thread's last look and its wait does not wait for the next."""
    queue = a_queue()
    queue.heard()
    queue.ring()
    waiting = threading.Thread(target=queue.wait, args=(30.0,), daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()
