"""The status that a scheduler writes for the page in Airflow."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from airflow_fargate import metrics
from airflow_fargate.fleet.status import IDLE_SECONDS, MOST_CONTAINERS, MOST_FAILURES, WRITE_SECONDS
from airflow_fargate.page.statuses import OLD_SECONDS
from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.verdict import Diagnosis, Responsibility
from local_cloud import Behaviour
from scenarios.outages import refusal
from scenarios.world import World

LONG = Behaviour(run=600)


def write(world: World) -> dict[str, Any]:
    """Let the thread write, and return what it wrote."""
    world.clock.advance(IDLE_SECONDS)
    world.fleet.lease.renew()
    assert world.fleet.status.run_one() == 0.0
    found: dict[str, Any] = json.loads(world.s3.objects["status/airflow/scheduler.json"])
    return found


def test_the_status_tells_what_only_the_scheduler_knows() -> None:
    """Containers with size and capacity, what waits, the rate and its limit, standbys, failing parts."""
    world = World(LONG)
    key = world.launch(TaskOptions(cpu=1024, memory=2048))
    world.run(50)
    world.fleet.metrics.gauge(metrics.STANDBYS_IDLE, 2, queue="fast")
    world.fleet.metrics.gauge(metrics.STANDBYS_TARGET, 3, queue="fast")
    world.fleet.health.failed("listener", refusal("AccessDenied", "no", 403), doing="receiving")
    world.launch()

    status = write(world)

    assert list(status["details"]) == world.reports(key)
    (container,) = status["details"].values()
    assert container["cpu"] == 1024
    assert container["memory"] == 2048
    assert container["launch_id"] == "00000000-0000-4000-8000-000000000001"
    assert world.clock.now() - 100 < container["since"] < world.clock.now()
    assert (status["containers"], status["waiting"], status["launches"]) == (2, 1, 1)
    assert status["rate"] == 1 / (50 + IDLE_SECONDS)
    assert (status["limit_now"], status["limit"]) == (20, 20)
    assert status["standbys"] == {"fast": {"idle": 2, "target": 3}}
    assert status["failing"] == {"listener": "ClientError AccessDenied"}
    assert status["written_at"] == world.clock.now()


def test_a_container_that_ended_is_no_longer_listed() -> None:
    """Its details leave with it."""
    world = World(Behaviour(run=1))
    world.launch()
    world.run(120)
    assert world.succeeded() == 1
    assert write(world)["details"] == {}


def test_the_last_failures_are_kept_with_their_diagnosis() -> None:
    """A bounded number, without control characters."""
    world = World()
    for number in range(MOST_FAILURES + 1):
        why = Diagnosis(f"Broken {number}\0", Responsibility.DEPLOYMENT, "Mend it.", arn="arn")
        world.fleet.status.failed(f"key-{number}", why)
    failures = write(world)["failures"]
    assert len(failures) == MOST_FAILURES
    assert failures[-1]["task_id"] == f"key-{MOST_FAILURES}"
    assert failures[-1]["why"] == f"Broken {MOST_FAILURES}\ufffd Mend it."


def test_the_status_is_written_every_ten_seconds_at_most_whatever_happens() -> None:
    """A call that failed is not repeated sooner, and a scheduler that stalls writes nothing."""
    world = World(LONG)
    world.launch()
    assert world.fleet.status.run_one() == WRITE_SECONDS
    world.fleet.lease.renew()
    world.clock.advance(WRITE_SECONDS)
    world.s3.fail = [refusal("AccessDenied", "no", 403)]
    with pytest.raises(Exception, match="AccessDenied"):
        world.fleet.status.run_one()
    assert world.fleet.status.run_one() == WRITE_SECONDS
    world.clock.advance(600)
    assert world.fleet.status.run_one() > 0
    assert "status" not in "".join(world.s3.objects)


def test_without_a_task_the_status_is_written_less_often() -> None:
    """Often enough for the page, which ignores a status of more than a minute."""
    world, times = World(Behaviour(run=50)), []
    world.launch()
    for second in range(300):
        world.run(1)
        if world.fleet.status.run_one() == 0.0:
            times.append(second)
    pauses = [later - sooner for sooner, later in pairwise(times)]
    assert pauses[0] == WRITE_SECONDS
    assert pauses[-1] == IDLE_SECONDS < OLD_SECONDS
    assert set(pauses) == {WRITE_SECONDS, IDLE_SECONDS}


def test_the_rate_is_that_of_the_last_minute() -> None:
    """However long nothing was launched before."""
    world = World(LONG)
    world.clock.advance(3600)
    write(world)
    for _ in range(30):
        world.launch()
    world.run(60)
    assert write(world)["rate"] == 30 / (60 + IDLE_SECONDS)


def test_details_are_bounded() -> None:
    """A thousand containers, the latest ones."""
    world = World(LONG, launch_rate=1000, launch_burst=2000, run_task_rate=1000, run_task_burst=2000)
    for _ in range(MOST_CONTAINERS + 1):
        world.launch()
    world.run(30)
    assert len(write(world)["details"]) == MOST_CONTAINERS


def test_without_a_bucket_no_thread_writes() -> None:
    """There is nowhere to write to."""
    names = [thread._name for thread in World(payload_bucket="").fleet._other_threads]
    assert "status" not in names
    assert "status" in [thread._name for thread in World().fleet._other_threads]
