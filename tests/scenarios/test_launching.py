"""Launching: once, within the limits, and with retries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour, Fault, Limits, fails_to_start, spot_taken_before_start
from scenarios.world import World


def test_a_task_runs_and_succeeds() -> None:
    """Its ARN and its success are reported, and its slot and payload are gone."""
    world = World()
    key = world.launch()
    world.run(40)
    (task,) = world.plane.tasks()
    assert world.reports(key) == [task.arn]
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.fleet.registry) == 0


def test_a_failed_container_fails_the_task_with_its_exit_code() -> None:
    """The message has the exit code and the container's last lines."""
    world = World(Behaviour(exit_code=66))
    key = world.launch()
    world.run(40)
    told = str(world.finish(key).verdict.diagnosis)
    assert "exit code 66" in told
    assert told.endswith("one\ntwo")


def test_the_token_is_not_in_the_request() -> None:
    """With a bucket, the override has a reference, and the object the workload."""
    world = World()
    world.launch()
    world.step()
    (task,) = world.plane.tasks()
    assert "secret" not in json.dumps(task.overrides)
    (body,) = world.s3.objects.values()
    assert b"secret" in body


def test_without_a_bucket_the_workload_is_inline() -> None:
    """The command contains the document."""
    world = World(payload_bucket="")
    world.launch()
    world.step()
    (task,) = world.plane.tasks()
    command = task.overrides["containerOverrides"][0]["command"]
    assert command[:3] == ["airflow", "fargate", "run-workload"]
    assert command[3].startswith("json:")


@pytest.mark.parametrize(
    "fault", ["lost", "server_error_after", "server_error", "throttle", "hidden_throttle"]
)
def test_a_launch_of_unknown_outcome_is_repeated_and_not_doubled(fault: str) -> None:
    """After a lost answer, a 5xx or throttling, the same token is sent again, so there is one container."""
    world = World()
    world.plane.faults.add(Fault(fault, operations=("RunTask",), times=2))
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_a_lack_of_capacity_costs_no_try() -> None:
    """The task waits nine minutes and then runs."""
    world = World(launch_timeout=580)
    world.plane.faults.add(Fault("capacity", until=540))
    keys = [world.launch() for _ in range(20)]
    world.run(640)
    assert world.succeeded() == len(keys)
    assert set(world.containers().values()) == {1}


def test_a_lack_of_capacity_until_the_timeout_fails_the_task() -> None:
    """The message has AWS's text."""
    world = World(launch_timeout=60)
    world.plane.faults.add(Fault("capacity"))
    key = world.launch()
    world.run(90)
    verdict = world.finish(key).verdict
    assert verdict.outcome is Outcome.FAILED
    assert "Capacity is unavailable" in str(verdict.diagnosis)
    assert "launch_timeout" in str(verdict.diagnosis)
    assert world.s3.objects == {}


def test_the_chain_goes_from_spot_to_on_demand_at_once() -> None:
    """If Spot has no capacity, the next provider is tried without a pause."""
    world = World(capacity_chain=("FARGATE_SPOT", "FARGATE"))
    world.plane.faults.add(Fault("capacity", provider="FARGATE_SPOT"))
    world.launch()
    world.step()
    (task,) = world.plane.tasks()
    assert task.capacity_provider == "FARGATE"


@pytest.mark.parametrize("behaviour", [fails_to_start(), spot_taken_before_start()])
def test_a_task_that_never_started_is_launched_again(behaviour: Behaviour) -> None:
    """For example without a network interface; no failure is reported."""
    world = World()
    world.engine.next_behaviours.append(behaviour)
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.again()) == 1
    assert len(world.reports(key)) == 2
    assert list(world.containers().values()) == [1]


def test_an_image_that_does_not_exist_fails_with_what_to_do() -> None:
    """CannotPullContainerError is not retried, and the message has the remedy."""
    world = World(fails_to_start("CannotPullContainerError: worker:latest: not found"))
    key = world.launch()
    world.run(60)
    assert "make build-push" in str(world.finish(key).verdict.diagnosis)
    assert len(world.plane.tasks()) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cluster": "nowhere"}, "[fargate] cluster"),
        ({"task_definition": "nothing"}, "[fargate] task_definition"),
        ({"container_name": "nobody"}, "[fargate] container_name"),
    ],
)
def test_a_permanent_error_fails_at_once(changes: dict[str, Any], words: str) -> None:
    """A missing cluster, task definition or container fails in one heartbeat, with the option to correct."""
    world = World(**changes)
    key = world.launch()
    world.step()
    assert words in str(world.finish(key).verdict.diagnosis)
    assert world.plane.calls["RunTask"] == 1


def test_one_task_that_cannot_be_launched_delays_no_other() -> None:
    """An error of one task's options does not affect the others."""
    world = World()
    bad = world.launch(TaskOptions(task_definition="nothing"))
    good = [world.launch() for _ in range(3)]
    world.run(40)
    assert world.finish(bad).verdict.outcome is Outcome.FAILED
    assert all(world.finish(key).verdict.outcome is Outcome.SUCCESS for key in good)


def test_higher_priority_is_launched_first() -> None:
    """When the limits delay launches, higher priorities go first."""
    world = World(run_task_burst=1, run_task_rate=1.0)
    world.launch(priority=1)
    world.launch(priority=5)
    urgent = world.launch(priority=9)
    world.step()
    (first,) = world.plane.tasks()
    assert world.reports(urgent) == [first.arn]


def test_a_thousand_launches_keep_within_awss_limits() -> None:
    """Nothing is throttled, and the last launch is within 5 % of the possible time."""
    world = World(Behaviour(run=None))
    world.plane.faults.limits = Limits()
    for _ in range(1000):
        world.launch()
    bound = (1000 - 20) / 20
    world.run(bound * 1.05, every=0.05)
    assert len(world.plane.tasks()) == 1000
    assert world.plane.faults.injected["limit"] <= 20


def test_a_bucket_that_does_not_answer_delays_the_launch() -> None:
    """It does not fail the task."""
    world = World()
    world.s3.fail = [ConnectionError("no route"), ConnectionError("no route")]
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
