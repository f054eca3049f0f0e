"""The fleet with its real threads: they begin, they work, they end in time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from airflow_fargate import metrics
from airflow_fargate.fleet.fleet import SYNC_BUDGET_SECONDS
from airflow_fargate.tasks.messages import Missing
from scenarios.world import World

if TYPE_CHECKING:
    import pytest


def test_end_settles_what_is_under_way_and_stops_every_thread_but_no_container() -> None:
    """start(), a launch, end(): every thread has ended, the container has not been stopped."""
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


def test_a_dead_thread_is_started_again_by_the_heartbeat_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """SystemExit out of a library ends a thread: the next sync() starts it, and counts it once."""
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


def test_a_flood_of_messages_is_taken_in_at_once_within_its_budget() -> None:
    """Airflow's loop may sleep a second after this heartbeat: what is left would wait for it."""
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
