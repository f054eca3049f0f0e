"""The fleet with its real threads: they start, work, and end in time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from airflow_fargate import metrics
from airflow_fargate.fleet.fleet import SYNC_BUDGET_SECONDS
from airflow_fargate.tasks.messages import Missing
from scenarios.world import World

if TYPE_CHECKING:
    import pytest


def test_end_waits_for_launches_and_stops_threads_but_no_container() -> None:
    """After start(), a launch and end(), every thread has ended, and the container runs."""
    world = World(event_queue_url="", launcher_threads=2)
    fleet = world.fleet
    fleet.start()
    world.launch()
    message = fleet._inbox.get(timeout=60)
    fleet._inbox.put(message)
    fleet.end()
    assert all(thread.join(60) for thread in (*fleet._launcher_threads, *fleet._other_threads))
    world.launch()
    assert len(fleet.sync()) == 1
    assert len(world.plane.tasks()) == 1
    assert world.plane.calls["StopTask"] == 0


def test_a_dead_thread_is_restarted_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a SystemExit, the next sync() starts the thread again."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    world = World(event_queue_url="", launcher_threads=2)
    fleet, lives = world.fleet, threading.Event()
    steps = iter([SystemExit()])

    def step() -> float:
        if (error := next(steps, None)) is not None:
            raise error
        lives.set()
        return 1.0

    thread = fleet._other_threads[0]
    thread._step = step
    fleet.start()
    assert thread.join(60)
    fleet.sync()
    assert lives.wait(60)
    fleet.sync()
    assert fleet.metrics._counts[metrics._name(metrics.THREAD_RESTARTS, {})] == 1
    fleet.end()


def test_many_messages_are_handled_in_one_heartbeat() -> None:
    """Airflow's loop may sleep a second after it."""
    world = World(event_queue_url="")
    fleet, apply = world.fleet, world.fleet.registry.apply
    for number in range(400):
        fleet._inbox.put(Missing(f"arn:{number}"))
    fleet.sync()
    assert fleet._inbox.qsize() == 0

    def slow(message: Any) -> Any:
        world.clock.advance(SYNC_BUDGET_SECONDS / 100)
        return apply(message)

    fleet.registry.apply = slow  # type: ignore[method-assign]
    for number in range(400):
        fleet._inbox.put(Missing(f"arn:{number}"))
    fleet.sync()
    assert 290 < fleet._inbox.qsize() <= 300
