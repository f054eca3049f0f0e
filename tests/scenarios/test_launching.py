"""Launching: once, within the limits, and patiently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_fargate.settings.task_options import TaskOptions
from airflow_fargate.tasks.verdict import Outcome
from local_cloud import Behaviour, Fault, Limits, fails_to_start, spot_taken_before_start
from scenarios.world import World


def test_a_task_runs_and_succeeds() -> None:
    """One task: its ARN is reported, then its success, and its slot and payload are gone."""
    world = World()
    key = world.launch()
    world.run(40)
    (task,) = world.plane.tasks()
    assert world.reports(key) == [task.arn]
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.fleet.registry) == 0


def test_a_failed_container_fails_the_task_with_its_exit_code() -> None:
    """A non-zero exit is a failure that names the exit code and the container's last lines."""
    world = World(Behaviour(exit_code=66))
    key = world.launch()
    world.run(40)
    told = str(world.finish(key).verdict.diagnosis)
    assert "exit code 66" in told
    assert told.endswith("one\ntwo")


def test_the_token_is_not_in_the_request() -> None:
    """With a bucket the override carries a pointer, and the object the workload."""
    world = World()
    world.launch()
    world.step()
    (task,) = world.plane.tasks()
    assert "secret" not in json.dumps(task.overrides)
    (body,) = world.s3.objects.values()
    assert b"secret" in body


def test_without_a_bucket_the_workload_stands_inline() -> None:
    """No bucket: the command carries the document itself."""
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
    """A lost answer, a 5xx or throttling: the same token again, so one container."""
    world = World()
    world.plane.faults.add(Fault(fault, operations=("RunTask",), times=2))
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert list(world.containers().values()) == [1]


def test_no_capacity_is_waited_out_and_costs_no_try() -> None:
    """Nine minutes without capacity: the task waits, then runs; Airflow hears of no failure."""
    world = World(launch_timeout=580)
    world.plane.faults.add(Fault("capacity", until=540))
    keys = [world.launch() for _ in range(20)]
    world.run(640)
    assert world.succeeded() == len(keys)
    assert set(world.containers().values()) == {1}


def test_no_capacity_for_longer_than_the_budget_fails_with_awss_words() -> None:
    """The budget spent, the task fails and says what AWS said."""
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
    """Spot refuses: the next provider of the chain is asked without waiting."""
    world = World(capacity_chain=("FARGATE_SPOT", "FARGATE"))
    world.plane.faults.add(Fault("capacity", provider="FARGATE_SPOT"))
    world.launch()
    world.step()
    (task,) = world.plane.tasks()
    assert task.capacity_provider == "FARGATE"


@pytest.mark.parametrize("behaviour", [fails_to_start(), spot_taken_before_start()])
def test_a_task_that_never_started_is_launched_again(behaviour: Behaviour) -> None:
    """No network interface, Spot taken before the start: a new container, and no word of failure."""
    world = World()
    world.engine.next_behaviours.append(behaviour)
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
    assert len(world.again()) == 1
    assert len(world.reports(key)) == 2
    assert list(world.containers().values()) == [1]


def test_an_image_that_does_not_exist_fails_with_what_to_do() -> None:
    """CannotPullContainerError: not launched again; the message says what to do."""
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
def test_what_aws_refuses_for_good_fails_at_once(changes: dict[str, Any], words: str) -> None:
    """A missing cluster, definition or container fails in one heartbeat and names the option to correct."""
    world = World(**changes)
    key = world.launch()
    world.step()
    assert words in str(world.finish(key).verdict.diagnosis)
    assert world.plane.calls["RunTask"] == 1


def test_one_task_that_cannot_be_launched_holds_up_nobody() -> None:
    """A refusal of one task's own options leaves the others alone."""
    world = World()
    bad = world.launch(TaskOptions(task_definition="nothing"))
    good = [world.launch() for _ in range(3)]
    world.run(40)
    assert world.finish(bad).verdict.outcome is Outcome.FAILED
    assert all(world.finish(key).verdict.outcome is Outcome.SUCCESS for key in good)


def test_higher_priority_is_launched_first() -> None:
    """When the limits make some wait, the heavier go first."""
    world = World(run_task_burst=1, run_task_rate=1.0)
    world.launch(priority=1)
    world.launch(priority=5)
    urgent = world.launch(priority=9)
    world.step()
    (first,) = world.plane.tasks()
    assert world.reports(urgent) == [first.arn]


def test_a_thousand_launches_keep_within_awss_limits() -> None:
    """Modelled limits: nothing is throttled, and the last launch is made within 5 % of the bound."""
    world = World(Behaviour(run=None))
    world.plane.faults.limits = Limits()
    for _ in range(1000):
        world.launch()
    bound = (1000 - 20) / 20
    world.run(bound * 1.05, every=0.05)
    assert len(world.plane.tasks()) == 1000
    assert world.plane.faults.injected["limit"] <= 20


def test_a_bucket_that_does_not_answer_is_waited_out() -> None:
    """An S3 that fails delays the launch; it does not fail the task."""
    world = World()
    world.s3.fail = [ConnectionError("no route"), ConnectionError("no route")]
    key = world.launch()
    world.run(60)
    assert world.finish(key).verdict.outcome is Outcome.SUCCESS
