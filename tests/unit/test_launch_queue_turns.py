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
        with self.queue._changed:
            return len(self.queue._changed._waiters) + len(self.queue._turn._waiters) == count

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


def test_nothing_is_taken_while_the_queue_is_held() -> None:
    """A thousand are put in at one go; launches begin after that."""
    queue = a_queue()
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()), daemon=True)
    with queue.held():
        queue.put(an_attempt())
        thread.start()
        assert taken == []
    thread.join(10)
    assert len(taken) == 1
    assert isinstance(taken[0], Attempt)
