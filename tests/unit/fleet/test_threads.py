"""Threads that repeat a step: none dies unnoticed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from airflow_fargate.fleet.threads import Health, StepThread

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

BOUND = 60.0
"""Seconds after which a test fails rather than hangs."""


def a_thread(step: Callable[[], float], wait: Callable[[float], None] | None = None) -> StepThread:
    """Return a thread that repeats a step."""
    return StepThread("test", "testing", step, Health(logging.getLogger("test")), wait)


def test_the_step_is_repeated_until_it_is_stopped() -> None:
    """start, many steps, stop, join."""
    enough, count = threading.Event(), 0

    def step() -> float:
        nonlocal count
        count += 1
        if count == 5:
            enough.set()
        return 0.0

    thread = a_thread(step)
    thread.start()
    assert enough.wait(BOUND)
    thread.stop()
    assert thread.join(BOUND)


def test_a_step_that_raises_does_not_end_the_thread() -> None:
    """The exception is logged as a problem, and the thread pauses."""
    raised = threading.Event()
    health = Health(logging.getLogger("test"))

    def step() -> float:
        raised.set()
        raise OSError("no network")

    thread = StepThread("test", "testing", step, health)
    thread.start()
    assert raised.wait(BOUND)
    assert not thread.restart_if_dead()
    thread.stop()
    assert thread.join(BOUND)
    assert health.complaints() == {"test": "OSError"}


def test_pauses_are_bounded() -> None:
    """A step that returns an hour is called again within seconds."""
    asked, waits = threading.Event(), []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        asked.set()

    thread = a_thread(lambda: 3600.0, wait)
    thread.start()
    assert asked.wait(BOUND)
    thread.stop()
    assert thread.join(BOUND)
    assert waits[0] <= 10


def test_stop_ends_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping does not wait for the pause."""
    monkeypatch.setattr("airflow_fargate.fleet.threads._LONGEST_PAUSE", 3600.0)
    stepped = threading.Event()

    def step() -> float:
        stepped.set()
        return 3600.0

    thread = a_thread(step)
    thread.start()
    assert stepped.wait(BOUND)
    thread.stop()
    assert thread.join(BOUND)


def test_a_dead_thread_is_restarted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A BaseException ended it: one line in the log, and a new thread."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    lives = threading.Event()
    steps = iter([SystemExit(), None])

    def step() -> float:
        if (error := next(steps, None)) is not None:
            raise error
        lives.set()
        return 1.0

    thread = a_thread(step)
    assert not thread.restart_if_dead()  # Not started yet: nothing to restart.
    assert thread.join(0.0)
    thread.start()
    assert thread.join(BOUND)
    assert thread.restart_if_dead()
    assert "died" in caplog.text
    assert lives.wait(BOUND)
    thread.stop()
    assert thread.join(BOUND)
    assert not thread.restart_if_dead()


def test_an_idle_step_does_not_end_a_problem(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only a step that worked ends it."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("airflow_fargate.fleet.threads._AFTER_ERROR", 0.0)
    error, idle, worked = OSError("no network"), 1.0, 0.0
    steps, done = iter([error, idle, error, idle, worked, idle]), threading.Event()

    def step() -> float:
        found = next(steps, None)
        if found is None:
            done.set()
        if isinstance(found, OSError):
            raise found
        return found or 0.0

    thread = a_thread(step, lambda _: None)
    thread.start()
    assert done.wait(BOUND)
    thread.stop()
    assert thread.join(BOUND)
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "test failed while testing",
        "test works again",
    ]
