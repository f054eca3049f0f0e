"""Standby containers, from a scheduler's side: what runs on them, and how many there are."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from airflow_fargate import metrics
from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour
from scenarios.airflow import Airflow
from scenarios.standbys import is_standby
from scenarios.world import World


def ready(queue: Any = None, **changes: Any) -> World:
    """Return a world whose standbys have been idle long enough."""
    world = World(standby={"default": queue or {"min": 2}}, **changes)
    world.run(60)
    return world


def counts(world: World) -> Counter[str]:
    """Return what was counted: the name, and its reason if it has one."""
    found: Counter[str] = Counter()
    for name, number in world.fleet.metrics._counts.items():
        why = dict(name.tags).get("why", "")
        found[f"{name.stat} {why}".strip()] += number
    return found


def cold(world: World) -> list[Any]:
    """Return the containers that are no standbys."""
    return [task for task in world.plane.tasks() if not is_standby(task)]


def standbys(world: World) -> list[Any]:
    """Return every standby that there was."""
    return [task for task in world.plane.tasks() if is_standby(task)]


def test_a_task_runs_on_a_standby_and_its_end_is_that_containers() -> None:
    """No RunTask for it; its ARN is reported once the standby took it; a new standby takes the place."""
    world = ready()
    before = len(standbys(world))

    key = world.launch()
    world.run(3)

    (arn,) = world.reports(key)
    assert world.containers_inside.ran == {arn: world.a_launch(key).launch_id}
    assert cold(world) == []
    assert counts(world)[metrics.STANDBY_HITS] == 1
    world.run(120)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(standbys(world)) == before + 1


def test_the_token_is_in_the_offer_alone_and_gone_before_the_task_begins() -> None:
    """No payload object is written, no override holds it, and the container deletes the offer."""
    world = ready()
    world.launch()
    world.run(3)
    assert not any(b"secret" in content for content in world.s3.objects.values())
    assert not any("secret" in json.dumps(task.overrides) for task in world.plane.tasks())


def test_a_standby_is_tagged_as_its_task_once_it_has_one() -> None:
    """Before that it has the deployment, its own id, its queue and what it can run."""
    world = ready(tags={"team": "data"})
    (idle, _) = standbys(world)
    own = {each.removeprefix("airflow-fargate:") for each in dict(idle.tags) if "airflow-fargate" in each}
    assert own == {"deployment", "standby", "standby-queue", "standby-fingerprint"}
    assert dict(idle.tags)["team"] == "data"
    key = world.launch()
    world.run(3)
    taken = world.plane.task(world.reports(key)[0])
    assert taken is not None
    tags = dict(taken.tags)
    assert tags["airflow-fargate:task-id"] == key
    assert tags["airflow-fargate:launch-id"] == world.a_launch(key).launch_id


@pytest.mark.parametrize(
    "options",
    [TaskOptions(cpu=1024, memory=2048), TaskOptions(env={"A": "b"}), TaskOptions(subnets=("subnet-9",))],
    ids=["size", "environment", "subnets"],
)
def test_a_task_whose_request_differs_is_launched_cold(options: TaskOptions) -> None:
    """The RunTask request itself says what a standby can run."""
    world = ready()
    world.launch(options)
    world.run(3)
    assert len(cold(world)) == 1
    assert world.containers_inside.ran == {}
    assert counts(world)["standby_misses other request"] == 1


def test_what_is_no_task_or_is_adopted_is_launched_cold() -> None:
    """Callbacks and connection tests; a launch that another scheduler queued, which may be under offer."""
    world = ready()
    callback = replace(world.a_launch("task-1"), takes_standby=False)
    world.fleet.launch(callback)
    airflow = Airflow(world)
    world.numbers = 2
    airflow.running = {"task-2"}
    airflow.offer(airflow.running)
    world.run(40)
    assert len(cold(world)) == 2
    assert world.containers_inside.ran == {}


def test_a_queue_may_have_more_in_a_window_and_loses_the_surplus_after_it() -> None:
    """Two minutes after it, by an offer that says so; nobody is stopped."""
    windows = [{"hours": "00:00-00:10", "min": 4}]
    world = ready({"min": 1, "windows": windows})
    assert len(world.containers_inside.idle()) == 4
    world.run(900)
    assert len(world.containers_inside.idle()) == 1
    assert [task.stop_code for task in standbys(world) if task.stop_code == "UserInitiated"] == []


def test_a_launch_that_finds_no_standby_waits_for_no_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a burst, those without a standby are in the launch queue before S3 is called for the others."""
    world = ready({"min": 2})
    waiting: list[int] = []
    get = world.s3.get_object

    def noting(**named: Any) -> Any:
        waiting.append(len(world.fleet.launch_queue))
        return get(**named)

    monkeypatch.setattr(world.s3, "get_object", noting)
    for _ in range(7):
        world.launch()
    own = world.fleet.standbys
    while own is not None and not waiting:
        assert own.offers.run_one() == 0.0
    assert waiting == [5]


def test_refills_wait_until_no_launch_waits_and_tokens_are_plenty() -> None:
    """A burst beyond the limits is through before any standby is started again."""
    world = ready({"min": 5})
    before = len(standbys(world))
    for _ in range(200):
        world.launch()
    while len(world.fleet.launch_queue):
        assert len(standbys(world)) == before
        world.run(1)
    world.run(60)
    assert len(standbys(world)) == before + 5


def test_standbys_that_die_before_they_are_ready_are_started_no_more_for_a_while() -> None:
    """Three in a row: ten minutes, and a complaint; tasks run all the same."""
    world = World(Behaviour(), standby={"default": {"min": 1}})
    world.engine.choose = lambda task: (
        Behaviour(fails_in="PENDING", stopped_reason="x") if is_standby(task) else None
    )
    world.run(400)
    assert len(standbys(world)) == 3
    assert "standbys of default" in world.fleet.health.complaints()
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    world.run(400)
    assert 3 < len(standbys(world)) <= 6


def test_switched_off_no_call_is_made_for_it_but_reading_the_fate_of_an_adopted_launch() -> None:
    """Standbys may have been on before; what launches and ends here asks S3 for nothing."""
    world = World()
    airflow, get = Airflow(world), world.s3.get_object
    reads: list[str] = []

    def read(**asked: Any) -> Any:
        reads.append(asked["Key"])
        return get(**asked)

    world.s3.get_object = read  # type: ignore[method-assign]
    airflow.launch()
    airflow.run(60)
    assert reads == []
    assert set(world.plane.calls) <= {"RunTask", "DescribeTasks", "StopTask"}
    key = airflow.launch()
    airflow.restart()
    airflow.run(120)
    assert airflow.outcome(key) is Outcome.SUCCESS
    assert reads == [f"launches/{world.a_launch(key).launch_id}"]
    assert not any(key.startswith(("standby", "launches")) for key in world.s3.objects)


def test_a_new_scheduler_finds_the_standby_of_a_launch_without_an_arn() -> None:
    """Also while the task runs already, and also when it has switched standbys off."""
    world = ready()
    airflow = Airflow(world)
    key = airflow.launch()
    world.step(sync=False)  # Offered.
    world.clock.advance(0.5)
    world.step(sync=False)  # Taken.
    assert len(world.containers_inside.ran) == 1
    world.config = replace(world.config, standby={})
    airflow.restart()
    airflow.run(120)
    assert airflow.outcome(key) is Outcome.SUCCESS
    assert airflow.arns[key] in world.containers_inside.ran
    assert cold(world) == []


def test_only_older_or_earlier_standbys_are_dismissed_in_a_rolling_deploy() -> None:
    """Each of two schedulers dismisses what was there before it, and not what the other one starts."""
    world = ready()
    old = {task.arn for task in standbys(world)}
    world.config = replace(world.config, subnets=("subnet-7",))
    second = world.scheduler()
    world.run(200, world.fleet, second)
    alive = [task for task in world.containers_inside.idle() if task.arn not in old]
    assert {task.arn for task in world.containers_inside.idle()} & old == set()
    prints = Counter(dict(task.tags)["airflow-fargate:standby-fingerprint"] for task in alive)
    assert sorted(prints.values()) == [2, 2]
