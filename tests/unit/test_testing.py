"""The public fakes, with which users test their own hooks and profiles."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_fargate.aws.ecs_task import parse_task
from airflow_fargate.errors import ConfigurationError, RequestError, TaskOptionsError
from airflow_fargate.launching.request import request_faults
from airflow_fargate.testing import FakeEcs, ManualClock, run_task_request
from unit.examples import CONFIG


def test_a_clock_stands_still_until_it_is_advanced() -> None:
    """Both of its times move together, and only forward."""
    clock = ManualClock(start=100.0)
    clock.advance(2.5)
    assert (clock.monotonic(), clock.time()) == (2.5, 102.5)
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        clock.advance(-1)


def test_a_request_needs_no_arguments() -> None:
    """The default is a valid request from the smallest section."""
    request = run_task_request()
    assert request_faults(request) == ""
    assert request["cluster"] == "airflow"


def test_section_profile_and_executor_config_are_applied() -> None:
    """The task's own options take precedence over its queue's profile, as in the executor."""
    request = run_task_request(
        config={"cluster": "c", "profiles": '{"big": {"cpu": 1024, "memory": 4096}}', "task_cpu": "512"},
        executor_config={"memory": 8192},
        queue="big",
    )
    assert request["cluster"] == "c"
    assert (request["overrides"]["cpu"], request["overrides"]["memory"]) == ("1024", "8192")


def test_a_whole_configuration_and_a_command_may_be_given() -> None:
    """Both are used as they are."""
    request = run_task_request(CONFIG, command=["airflow", "tasks", "run"])
    assert request["overrides"]["containerOverrides"][0]["command"] == ["airflow", "tasks", "run"]


def test_a_hook_is_called_as_in_production() -> None:
    """It gets the command; the launch id comes from the executor."""
    seen = []

    def hook(command: list[str]) -> dict[str, Any]:
        seen.append(command)
        overrides = {"containerOverrides": [{"name": "worker", "command": command}]}
        return {"taskDefinition": "mine", "overrides": overrides}

    request = run_task_request(hook=hook)
    assert request["taskDefinition"] == "mine"
    assert seen[0][:3] == ["airflow", "fargate", "run-workload"]
    assert request["clientToken"].startswith("0000")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"config": {"clster": "x"}}, ConfigurationError),
        ({"executor_config": {"cpu": 300, "memory": 512}}, TaskOptionsError),
        ({"config": {"profiles": '{"default": {"cpus": 1}}'}}, ConfigurationError),
        ({"hook": lambda command: {"taskdefinition": "x"}}, RequestError),
        ({"executor_config": {"env": {"A": "x" * 9000}}}, RequestError),
    ],
)
def test_the_executors_errors_are_raised(arguments: dict[str, Any], error: type[Exception]) -> None:
    """A wrong section, executor_config or hook gives the same error as in production."""
    with pytest.raises(error):
        run_task_request(**arguments)


def test_the_fake_cluster_answers_like_ecs() -> None:
    """Launch, describe, move, list and stop a task; the same token returns the same task."""
    ecs = FakeEcs()
    request = run_task_request()
    arn = ecs.run_task(**request)["tasks"][0]["taskArn"]
    assert ecs.run_task(**request)["tasks"][0]["taskArn"] == arn
    assert len(ecs.requests) == 2
    ecs.move(arn, "RUNNING")
    (task,) = ecs.describe_tasks(cluster="airflow", tasks=[arn, "other"])["tasks"]
    ecs_task = parse_task(task)
    assert (ecs_task.last_status, ecs_task.version) == ("RUNNING", 2)
    assert ecs_task.at("createdAt") == ecs.clock.time()
    assert ecs.list_tasks(startedBy=request["startedBy"]) == {"taskArns": [arn]}
    assert ecs.list_tasks(startedBy="other") == {"taskArns": []}
    ecs.stop_task(cluster="airflow", task=arn, reason="enough")
    assert ecs.stops == [(arn, "enough")]
    assert ecs.list_tasks(desiredStatus="STOPPED") == {"taskArns": [arn]}
    ecs.move(arn, "STOPPED", exit_code=3)
    assert parse_task(ecs.tasks[arn]).containers[0].exit_code == 3


def test_the_fake_cluster_rejects_launches_on_request() -> None:
    """Errors and failures[] come in the order in which the test requested them."""
    ecs = FakeEcs()
    ecs.reject("AccessDeniedException", "no", status=400)
    ecs.reject_for_capacity()
    with pytest.raises(ClientError, match="AccessDenied"):
        ecs.run_task()
    assert "Capacity" in ecs.run_task()["failures"][0]["reason"]
    assert ecs.run_task()["tasks"]
    with pytest.raises(ClientError, match="not found"):
        ecs.stop_task(task="unknown")
