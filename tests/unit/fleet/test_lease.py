"""After a stall, a scheduler waits until it knows which tasks are still its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_fargate.fleet.lease import Lease
from airflow_fargate.launching.launch_queue import STALLED_SECONDS
from airflow_fargate.tasks.messages import Release
from airflow_fargate.testing import ManualClock
from local_cloud import Behaviour
from scenarios.outages import Outage, refused
from scenarios.world import World
from unit.examples import an_attempt
from unit.launching.launcher_bench import Bench

if TYPE_CHECKING:
    import pytest


def test_a_lease_lasts_for_its_seconds() -> None:
    """It is held again after it was renewed."""
    clock = ManualClock()
    lease = Lease(15.0, clock.monotonic)
    clock.advance(14.9)
    assert lease.is_held()
    clock.advance(0.1)
    assert not lease.is_held()
    lease.renew()
    assert lease.is_held()


def test_without_a_lease_nothing_is_launched() -> None:
    """No call is made while the loop stalls; launches continue afterwards."""
    bench, may_act = Bench(), [False]
    bench.queue._may_act = lambda: may_act[0]
    bench.launcher.submit(an_attempt())
    assert bench.launcher.run_one() == STALLED_SECONDS
    assert bench.ecs.requests == []
    may_act[0] = True
    bench.run()
    assert len(bench.ecs.requests) == 1


def test_a_loop_that_stalls_while_the_request_is_made_launches_nothing() -> None:
    """PutObject took a minute: RunTask is called only when the loop is back."""
    bench, may_act = Bench(), [False]
    bench.launcher._may_act = lambda: may_act[0]
    bench.launcher.submit(an_attempt())
    bench.launcher.run_one()
    assert bench.ecs.requests == []
    may_act[0] = True
    bench.run()
    assert len(bench.ecs.requests) == 1


def stalled(**changes: Any) -> tuple[World, str]:
    """Return a world whose scheduler stalled for a minute, with one task waiting for capacity."""
    world = World(Behaviour(run=30), **changes)
    busy = refused("ClientException", "Capacity is unavailable at this time")
    world.outages.add(Outage(busy, "ecs", ("run_task",), until=5.0))
    key = world.launch()
    world.run(3)
    world.clock.advance(60)
    return world, key


def test_a_task_that_another_scheduler_adopted_is_not_launched_by_the_first() -> None:
    """Both would launch it, with different tokens; the first one drops it."""
    world, key = stalled()
    other = world.scheduler()
    world.fleet._renewal._adopted_elsewhere = lambda keys: [key]
    other.adopt(key, world.a_launch(key).launch_id, launch=world.a_launch(key))
    for _ in range(20):
        world.step(other)
        world.step(world.fleet)
        world.clock.advance(2)
    assert Release(key) in world.told
    assert len(world.plane.tasks()) == 1
    assert len(world.fleet.registry) == 0
    world.run(60, other, world.fleet)
    assert world.finish(key).verdict.diagnosis.exit_code == 0


def test_its_own_tasks_continue_after_the_second_heartbeat() -> None:
    """The first heartbeat after a stall only checks, because Airflow renews its claim between the two."""
    world, key = stalled()
    asked: list[Any] = []
    world.fleet._renewal._adopted_elsewhere = lambda keys: asked.append(list(keys)) or ()
    world.step()
    world.step()
    assert list(world.plane.tasks()) == []
    assert asked == [[key], [key]]
    world.run(60)
    assert world.finish(key).verdict.diagnosis.exit_code == 0


def test_without_the_database_nothing_is_launched(caplog: pytest.LogCaptureFixture) -> None:
    """This is logged once, and launches continue when the database answers."""
    world, key = stalled()

    def away(_: Any) -> Any:
        raise OSError("no database")

    world.fleet._renewal._adopted_elsewhere = away
    world.run(30)
    assert list(world.plane.tasks()) == []
    assert caplog.text.count("The scheduler's loop stalled") == 1
    assert "no database" in caplog.text
    world.fleet._renewal._adopted_elsewhere = lambda _: ()
    world.run(60)
    assert world.finish(key).verdict.diagnosis.exit_code == 0


def test_events_received_during_a_stall_are_handed_back() -> None:
    """They are not deleted, because another scheduler may own the tasks."""
    from unit.tracking.test_listener import Bench as Listening  # noqa: PLC0415  the listener's own bench

    bench, answers = Listening(), [True, False]
    bench.listener._may_act = lambda: answers.pop(0)
    bench.queue.put(json.dumps({"any": "body"}))
    assert bench.listener.receive() > 0
    assert bench.queue.calls == [("hand back", ["0"])]
    assert bench.said == []
