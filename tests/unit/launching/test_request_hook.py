"""The request from ``execution_config_function`` (AIP-29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_fargate.errors import RequestError
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.task_options import TaskOptions
from unit.examples import CONFIG, an_attempt, launch_id
from unit.launching.requests import COMMAND, bare, build, tags


def aip29(command: list[str]) -> dict[str, Any]:
    """Return a request like AIP-29's example."""
    return {
        "cluster": "airflow",
        "taskDefinition": "from-hook",
        "platformVersion": "LATEST",
        "overrides": {"containerOverrides": [{"name": "worker", "command": command}]},
        "count": 1,
        "launchType": "FARGATE",
    }


def test_the_hook_makes_the_request() -> None:
    """It gets the command and returns keyword arguments; launch id, token and tags are added."""
    request = build(hook=aip29)
    assert request_faults(request) == ""
    assert request["taskDefinition"] == "from-hook"
    assert request["overrides"]["containerOverrides"] == [{"name": "worker", "command": COMMAND}]
    assert request["clientToken"] == f"{launch_id()}-0"
    assert tags(request)["airflow-fargate:launch-id"] == launch_id()
    assert "networkConfiguration" not in request


def test_the_hook_may_leave_out_the_cluster_and_add_tags() -> None:
    """The cluster then comes from the section, and its tags are kept."""
    request = build(hook=lambda command: bare(command) | {"tags": [{"key": "a", "value": "1"}]})
    assert request["cluster"] == "airflow"
    assert tags(request)["a"] == "1"


def test_a_tasks_options_take_precedence_over_the_hook() -> None:
    """None of them is ignored silently."""

    def hook(command: list[str]) -> dict[str, Any]:
        container = {"name": "worker", "command": command, "environment": [{"name": "A", "value": "1"}]}
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-7"]}}
        return aip29(command) | {
            "overrides": {"cpu": "256", "containerOverrides": [container]},
            "networkConfiguration": network,
        }

    options = TaskOptions(
        cpu=1024,
        memory=4096,
        ephemeral_storage=50,
        task_role="arn:aws:iam::123456789012:role/r",
        task_definition="other:3",
        env={"B": "2"},
        subnets=("subnet-9",),
        capacity=("FARGATE_SPOT",),
    )
    request = RunRequestBuilder(CONFIG, hook, request_faults).build(an_attempt(options=options), COMMAND)
    assert request_faults(request) == ""
    (container,) = request["overrides"]["containerOverrides"]
    assert container["command"] == COMMAND
    assert [each["name"] for each in container["environment"]] == ["A", "B"]
    assert {**request["overrides"], "containerOverrides": None} == {
        "cpu": "1024",
        "memory": "4096",
        "ephemeralStorage": {"sizeInGiB": 50},
        "taskRoleArn": "arn:aws:iam::123456789012:role/r",
        "containerOverrides": None,
    }
    assert request["taskDefinition"] == "other:3"
    assert request["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-9"],
        "securityGroups": ["sg-7"],
    }
    assert request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert "launchType" not in request


def test_without_task_options_the_hooks_request_is_unchanged() -> None:
    """No container is added, and no launch type is removed."""
    request = build(hook=lambda command: bare(command) | {"launchType": "EC2"})
    assert request["launchType"] == "EC2"
    assert request["overrides"] == bare(COMMAND)["overrides"]


def test_the_cluster_may_be_named_by_its_arn() -> None:
    """Name and ARN are the same cluster."""
    arn = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow"
    assert build(hook=lambda command: aip29(command) | {"cluster": arn})["cluster"] == arn


@pytest.mark.parametrize(
    ("result", "fact"),
    [
        (None, "a dictionary of run_task's keyword arguments, got NoneType"),
        ({"taskdefinition": "d"}, "taskdefinition"),
        ({}, "taskDefinition"),
        ({"taskDefinition": 7}, "taskDefinition"),
        ({"taskDefinition": "d", "tags": "a=b"}, "tags"),
        ({"taskDefinition": "d", "tags": [7]}, "tags"),
        ({"taskDefinition": "d", 7: 7}, "7"),
        (bare(COMMAND) | {"cluster": "other"}, "'other'"),
        ({"taskDefinition": "d", "cluster": ["other"]}, "cluster"),
    ],
)
def test_a_wrong_result_of_the_hook_names_the_key(result: Any, fact: str) -> None:
    """Only this task fails, before the first call."""
    with pytest.raises(RequestError) as raised:
        build(replace(CONFIG, execution_config_function="my.hook"), hook=lambda command: result)
    assert fact in str(raised.value)
    assert "[fargate]" in str(raised.value)


def test_a_hook_that_raises_is_named() -> None:
    """The message also has its error."""
    with pytest.raises(RequestError, match=r"execution_config_function my.hook raised .*division"):
        build(replace(CONFIG, execution_config_function="my.hook"), hook=lambda command: 1 / 0)


def test_the_hook_cannot_change_our_command() -> None:
    """It gets a copy."""

    def hook(command: list[str]) -> dict[str, Any]:
        command.clear()
        return bare(COMMAND)

    assert build(hook=hook)["overrides"] == bare(COMMAND)["overrides"]


WITHOUT_COMMAND = [
    [],
    [{"name": "worker"}],
    [{"name": "other", "command": COMMAND}],
    [{"name": "worker", "command": ["airflow", "version"]}],
    [{"name": "worker", "command": COMMAND[:-1]}],
    [{"name": "worker", "command": COMMAND}, {"name": "worker", "command": ["true"]}],
]


@pytest.mark.parametrize("containers", WITHOUT_COMMAND)
def test_a_hook_that_drops_the_command_is_rejected(containers: list[Any]) -> None:
    """The image's own command would run, exit with 0, and look like a success."""
    with pytest.raises(RequestError, match="must run Airflow's command in the container 'worker'"):
        build(hook=lambda _: {"taskDefinition": "d", "overrides": {"containerOverrides": containers}})


def test_a_hook_may_reuse_its_dictionary() -> None:
    """A throttled request is stored and sent again, so a later task must not change it."""
    shared = bare([])

    def hook(command: list[str]) -> dict[str, Any]:
        shared["overrides"]["containerOverrides"][0]["command"] = command
        return shared

    builder = RunRequestBuilder(CONFIG, hook, request_faults)
    first = builder.build(an_attempt(1), [*COMMAND, "a"])
    builder.build(an_attempt(2), [*COMMAND, "b"])
    assert first["overrides"]["containerOverrides"][0]["command"][-1] == "a"
