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
    """A queue with its clock; ``rate`` and ``burst`` are those of RunTask, launches are plentiful."""

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


def test_higher_priority_goes_first_and_equals_in_their_order() -> None:
    """Priority weight, then first come."""
    bench = Bench()
    for number, priority in ((1, 1), (2, 5), (3, 5), (4, 9)):
        bench.queue.put(an_attempt(number, priority=priority))
    assert [bench.take() for _ in range(4)] == ["key-4", "key-2", "key-3", "key-1"]
    assert bench.queue.take() == float("inf")


def test_a_delayed_attempt_comes_when_it_is_due() -> None:
    """Not before; and the seconds until then are told."""
    bench = Bench()
    bench.queue.put(an_attempt(), delay=3.0)
    assert bench.queue.take() == pytest.approx(3.0)
    bench.clock.advance(3.0)
    assert bench.take() == "key-1"


def test_the_limits_make_it_wait() -> None:
    """Two tokens, one a second: the third is told to wait a second."""
    bench = Bench(rate=1, burst=2)
    for number in range(1, 4):
        bench.queue.put(an_attempt(number))
    assert [bench.take(), bench.take()] == ["key-1", "key-2"]
    assert bench.queue.take() == pytest.approx(1.0)


def test_a_capacity_at_its_limit_holds_up_no_other() -> None:
    """On-Demand is spent, heavier tasks wait for it: Spot launches go on."""
    bench = Bench(launch_burst=1)
    bench.queue.put(an_attempt(1, priority=9))
    bench.queue.put(an_attempt(2, priority=9))
    bench.queue.put(spot(3))
    assert [bench.take(), bench.take()] == ["key-1", "key-3"]
    assert bench.queue.take() == pytest.approx(1000.0)


def test_priority_counts_across_capacities() -> None:
    """One RunTask bucket: the heavier goes first wherever it goes to."""
    bench = Bench(rate=1, burst=1)
    bench.queue.put(an_attempt(1, priority=1))
    bench.queue.put(spot(2, priority=2))
    assert bench.take() == "key-2"


def test_what_is_cancelled_takes_no_tokens_and_waits_for_none() -> None:
    """It is handed out for its payload to be removed, and holds up nothing that is to be launched."""
    bench = Bench(rate=1, burst=1)
    cancelled = an_attempt(1, priority=9)
    bench.queue.put(cancelled)
    bench.queue.put(an_attempt(2))
    cancelled.launch.cancelled = True
    assert [bench.take(), bench.take()] == ["key-1", "key-2"]


def test_what_is_cancelled_with_an_unknown_outcome_takes_its_tokens() -> None:
    """RunTask is asked once more whether there is a container."""
    bench = Bench(rate=1, burst=1)
    cancelled = an_attempt(1, priority=9)
    cancelled.unknown_at = 0.0
    bench.queue.put(cancelled)
    bench.queue.put(an_attempt(2))
    cancelled.launch.cancelled = True
    assert bench.take() == "key-1"
    assert bench.queue.take() == pytest.approx(1.0)


def test_of_two_attempts_of_a_launch_the_later_round_stays() -> None:
    """A repeat of the first is left out once its container was seen to have stopped."""
    bench = Bench()
    first, second = an_attempt(), replace(an_attempt(), round=1)
    bench.queue.put(first, 5.0)
    bench.queue.put(second)
    bench.queue.put(first)
    assert len(bench.queue) == 1
    bench.clock.advance(10)
    assert bench.queue.take() is second
    assert bench.queue.take() == float("inf")


def test_throttling_slows_all() -> None:
    """After a refusal the bucket is empty and half as quick."""
    bench = Bench(rate=10, burst=10)
    bench.queue.put(an_attempt())
    bench.queue.slow_down()
    assert bench.queue.take() == pytest.approx(0.2)


def test_a_thread_that_waits_is_woken_by_what_is_put_in() -> None:
    """No polling: put() ends the wait; so does close()."""
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


def test_what_came_between_looking_and_waiting_is_not_waited_out() -> None:
    """An attempt put in after take() and before wait(): wait() returns at once."""
    bench = Bench()
    assert bench.queue.take() == float("inf")
    bench.queue.put(an_attempt())
    thread = threading.Thread(target=bench.queue.wait, args=(30.0,), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_token_wakes_one_of_the_threads_that_wait() -> None:
    """Sixty threads that all look for one token would cost more than the launch."""
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


def test_nobody_waits_in_a_queue_that_is_closed() -> None:
    """At the end a thread that comes late is not left waiting."""
    bench = Bench()
    bench.queue.close()
    thread = threading.Thread(target=bench.queue.wait, args=(30.0,), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
