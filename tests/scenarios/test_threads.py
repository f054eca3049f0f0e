"""The fleet with its real threads: they begin, they work, they end in time."""

from __future__ import annotations

from scenarios.world import World


def test_end_settles_what_is_under_way_and_stops_every_thread_but_no_container() -> None:
    """start(), a launch, end(): every thread has ended, the container has not been stopped."""
    world = World(event_queue_url="", launcher_threads=2)
    fleet = world.fleet
    fleet.start()
    world.launch()
    message = fleet._inbox.get(timeout=10)
    fleet._inbox.put(message)
    fleet.end()
    assert all(thread.join(10) for thread in (*fleet._launcher_threads, *fleet._other_threads))
    world.launch()
    assert len(fleet.sync()) == 1
    assert len(world.plane.tasks()) == 1
    assert world.plane.calls["StopTask"] == 0
