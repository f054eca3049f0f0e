"""Which attempt is next, and when."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from airflow_fargate.aws.rate_limiter import RateLimiter
from airflow_fargate.launching.launch_queue import LaunchQueue
from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.launch import Attempt
from airflow_fargate.testing import ManualClock
from unit.examples import an_attempt

if TYPE_CHECKING:
    from collections.abc import Callable


class Bench:
    """A queue with its clock; ``rate`` and ``burst`` limit RunTask, and launches are not limited."""

    def __init__(self, rate: float = 1000, burst: int = 1000, launch_burst: int = 1000) -> None:
        self.clock = ManualClock()
        limiter = RateLimiter(rate, burst, 0.001, launch_burst, 0.0)
        self.queue = LaunchQueue(limiter, self.capacity, self.clock.monotonic)

    @staticmethod
    def capacity(attempt: Attempt) -> str:
        chain = attempt.launch.options.capacity
        return chain[0] if chain else "FARGATE"

    def take(self) -> str:
        """Take the attempt that is due; return its key."""
        taken = self.queue.take()
        assert isinstance(taken, Attempt)
        return str(taken.launch.key)


def spot(number: int, priority: int = 1) -> Attempt:
    """Return an attempt on Spot."""
    return an_attempt(number, priority=priority, options=TaskOptions(capacity=("FARGATE_SPOT",)))


def test_higher_priority_goes_first() -> None:
    """Equal priorities keep their order."""
    bench = Bench()
    for number, priority in ((1, 1), (2, 5), (3, 5), (4, 9)):
        bench.queue.put(an_attempt(number, priority=priority))
    assert [bench.take() for _ in range(4)] == ["key-4", "key-2", "key-3", "key-1"]
    assert bench.queue.take() == float("inf")


def test_a_delayed_attempt_waits_until_it_is_due() -> None:
    """The queue returns the seconds until then."""
    bench = Bench()
    bench.queue.put(an_attempt(), delay=3.0)
    assert bench.queue.take() == pytest.approx(3.0)
    bench.clock.advance(3.0)
    assert bench.take() == "key-1"


def test_the_limits_delay_attempts() -> None:
    """With two tokens and one per second, the third waits a second."""
    bench = Bench(rate=1, burst=2)
    for number in range(1, 4):
        bench.queue.put(an_attempt(number))
    assert [bench.take(), bench.take()] == ["key-1", "key-2"]
    assert bench.queue.take() == pytest.approx(1.0)


def test_a_capacity_at_its_limit_delays_no_other() -> None:
    """On-Demand has no tokens, and Spot launches continue."""
    bench = Bench(launch_burst=1)
    bench.queue.put(an_attempt(1, priority=9))
    bench.queue.put(an_attempt(2, priority=9))
    bench.queue.put(spot(3))
    assert [bench.take(), bench.take()] == ["key-1", "key-3"]
    assert bench.queue.take() == pytest.approx(1000.0)


def test_priority_counts_across_capacities() -> None:
    """All share the bucket for RunTask calls, so the higher priority goes first."""
    bench = Bench(rate=1, burst=1)
    bench.queue.put(an_attempt(1, priority=1))
    bench.queue.put(spot(2, priority=2))
    assert bench.take() == "key-2"


def test_a_cancelled_attempt_takes_no_tokens() -> None:
    """It is returned at once so that its payload is removed, and delays no launch."""
    bench = Bench(rate=1, burst=1)
    cancelled = an_attempt(1, priority=9)
    bench.queue.put(cancelled)
    bench.queue.put(an_attempt(2))
    cancelled.launch.cancelled = True
    assert [bench.take(), bench.take()] == ["key-1", "key-2"]


def test_a_cancelled_attempt_with_an_unknown_outcome_takes_tokens() -> None:
    """RunTask is called again to find its container."""
    bench = Bench(rate=1, burst=1)
    cancelled = an_attempt(1, priority=9)
    cancelled.unknown_at = 0.0
    bench.queue.put(cancelled)
    bench.queue.put(an_attempt(2))
    cancelled.launch.cancelled = True
    assert bench.take() == "key-1"
    assert bench.queue.take() == pytest.approx(1.0)


def test_the_later_round_of_a_launch_replaces_the_earlier() -> None:
    """The first container was seen to stop, so its repeat is dropped."""
    bench = Bench()
    first, second = an_attempt(), replace(an_attempt(), round=1)
    bench.queue.put(first, 5.0)
    bench.queue.put(second)
    bench.queue.put(first)
    assert len(bench.queue) == 1
    bench.clock.advance(10)
    assert bench.queue.take() is second
    assert bench.queue.take() == float("inf")


def test_throttling_slows_down_all_launches() -> None:
    """The bucket is empty and refills at half the rate."""
    bench = Bench(rate=10, burst=10)
    bench.queue.put(an_attempt())
    bench.queue.slow_down()
    assert bench.queue.take() == pytest.approx(0.2)


def test_a_waiting_thread_is_woken_by_put() -> None:
    """close() wakes it as well."""
    wakers: list[Callable[[Bench], object]] = [
        lambda bench: bench.queue.put(an_attempt()),
        lambda bench: bench.queue.close(),
    ]
    for wake in wakers:
        bench, waits = Bench(), threading.Event()

        def waiter(bench: Bench = bench, waits: threading.Event = waits) -> None:
            waits.set()
            bench.queue.wait(30.0)

        thread = threading.Thread(target=waiter, daemon=True)
        thread.start()
        assert waits.wait(10)
        for _ in range(1000):
            wake(bench)
            thread.join(0.01)
            if not thread.is_alive():
                break
        assert not thread.is_alive()


def test_an_attempt_put_before_wait_ends_the_wait() -> None:
    """Between take() and wait(), put() is not missed."""
    bench = Bench()
    assert bench.queue.take() == float("inf")
    bench.queue.put(an_attempt())
    thread = threading.Thread(target=bench.queue.wait, args=(30.0,), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_token_wakes_one_thread() -> None:
    """Waking sixty threads for one token would cost more than the launch."""
    bench, woken = Bench(), threading.Semaphore(0)

    def waiter() -> None:
        bench.queue.wait(30.0)
        woken.release()

    for _ in range(3):
        threading.Thread(target=waiter, daemon=True).start()
    while not bench.queue._changed._waiters:  # type: ignore[attr-defined]
        pass
    bench.queue.put(an_attempt(1))
    assert woken.acquire(timeout=10)
    assert isinstance(bench.queue.take(), Attempt)
    bench.queue.close()
    assert woken.acquire(timeout=10)
    assert woken.acquire(timeout=10)


def test_a_closed_queue_does_not_block() -> None:
    """A late thread returns at once."""
    bench = Bench()
    bench.queue.close()
    thread = threading.Thread(target=bench.queue.wait, args=(30.0,), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
