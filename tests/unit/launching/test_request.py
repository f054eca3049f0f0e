"""The request from the options: complete, valid for botocore, and the same for the same attempt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_fargate.errors import RequestError
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.task_options import TaskOptions, parse_task_options
from airflow_fargate.tasks.launch import TaskIdentity
from unit.examples import CONFIG, an_attempt, launch_id
from unit.launching.requests import COMMAND, build, tags


def test_the_smallest_request_is_complete() -> None:
    """It has everything that a Fargate task needs, and nothing else."""
    request = build()
    assert request_faults(request) == ""
    assert {key: request[key] for key in request if key != "tags"} == {
        "cluster": "airflow",
        "taskDefinition": "worker",
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "count": 1,
        "clientToken": f"{launch_id()}-0",
        "startedBy": f"airflow/{launch_id()}",
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1", "subnet-2"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": "DISABLED",
            }
        },
        "overrides": {"containerOverrides": [{"name": "worker", "command": COMMAND}]},
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
    }


def test_every_task_is_tagged() -> None:
    """With DAG, task, run, try, launch id and deployment, for the bill and for `reap`."""
    assert tags(build()) == {
        "airflow-fargate:dag-id": "dag",
        "airflow-fargate:task-id": "task",
        "airflow-fargate:run-id": "run",
        "airflow-fargate:try-number": "1",
        "airflow-fargate:deployment": "airflow",
        "airflow-fargate:launch-id": launch_id(),
    }


def test_a_mapped_task_has_its_index_as_a_tag() -> None:
    """Characters that AWS rejects in tags are replaced, and values are cut at 256 characters."""
    identity = TaskIdentity("dag{ä}", "t" * 300, "run|1\t\n", 2, map_index=3)
    attempt = an_attempt(identity=identity)
    found = tags(RunRequestBuilder(CONFIG, None, request_faults).build(attempt, COMMAND))
    assert found["airflow-fargate:map-index"] == "3"
    assert found["airflow-fargate:dag-id"] == "dag_ä_"
    assert found["airflow-fargate:run-id"] == "run_1__"
    assert len(found["airflow-fargate:task-id"]) == 256


def test_own_tags_are_merged_with_the_standard_ones() -> None:
    """A task's tags take precedence over the section's."""
    config = replace(CONFIG, tags={"team": "data", "env": "dev"})
    found = tags(build(config, tags={"env": "prod"}))
    assert (found["team"], found["env"]) == ("data", "prod")
    assert found["airflow-fargate:launch-id"] == launch_id()


def test_every_task_option_is_in_the_request() -> None:
    """Size, storage, role, environment, task definition and subnets."""
    request = build(
        cpu=1024,
        memory=4096,
        ephemeral_storage=50,
        task_role="arn:aws:iam::123456789012:role/r",
        task_definition="other:3",
        env={"A": "1"},
        subnets=["subnet-9"],
    )
    overrides = request["overrides"]
    assert (overrides["cpu"], overrides["memory"]) == ("1024", "4096")
    assert overrides["ephemeralStorage"] == {"sizeInGiB": 50}
    assert overrides["taskRoleArn"].endswith("role/r")
    assert overrides["containerOverrides"][0]["environment"] == [{"name": "A", "value": "1"}]
    assert request["taskDefinition"] == "other:3"
    assert request["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-9"]


def test_the_capacity_chain_is_tried_in_a_cycle() -> None:
    """Spot, On-Demand, Spot: each with a strategy, never with a launch type."""
    config = replace(CONFIG, capacity_chain=("FARGATE_SPOT", "FARGATE"))
    for number, provider in enumerate(("FARGATE_SPOT", "FARGATE", "FARGATE_SPOT")):
        request = build(config, capacity=number)
        assert request["capacityProviderStrategy"] == [{"capacityProvider": provider, "weight": 1}]
        assert "launchType" not in request
        assert request["platformVersion"] == "LATEST"


def test_a_tasks_own_capacity_replaces_the_sections() -> None:
    """executor_config={'capacity': ...} replaces the chain."""
    config = replace(CONFIG, capacity_chain=("FARGATE_SPOT", "FARGATE"))
    assert build(config, capacity=1)["capacityProviderStrategy"][0]["capacityProvider"] == "FARGATE"
    attempt = an_attempt(options=TaskOptions(capacity=("mine",)))
    assert RunRequestBuilder(config, None, request_faults).capacity(attempt) == "mine"


def test_container_instances_get_neither_platform_nor_address() -> None:
    """With EC2, parameters of Fargate are not sent."""
    request = build(replace(CONFIG, launch_type="EC2", security_groups=()))
    assert request["launchType"] == "EC2"
    assert "platformVersion" not in request
    assert request["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"]}}


def test_a_provider_of_container_instances_gets_no_public_address() -> None:
    """ECS rejects assignPublicIp = ENABLED except on Fargate, also for a later entry of the chain."""
    config = replace(CONFIG, capacity_chain=("FARGATE", "my-instances"), assign_public_ip="ENABLED")
    fargate, instances = (build(config, capacity=number) for number in range(2))
    assert fargate["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    assert "assignPublicIp" not in instances["networkConfiguration"]["awsvpcConfiguration"]
    assert instances["capacityProviderStrategy"][0]["capacityProvider"] == "my-instances"
    assert "platformVersion" not in instances


def test_run_task_is_merged() -> None:
    """It may set any argument but those on which launching exactly once depends; one container is one."""
    request = build(
        run_task={
            "group": "g",
            "count": 1,
            "overrides": {"cpu": "512"},
            "tags": [{"key": "a", "value": "1"}],
        }
    )
    assert request["group"] == "g"
    assert request["overrides"]["cpu"] == "512"
    assert request["overrides"]["containerOverrides"][0]["command"] == COMMAND
    assert (request["count"], request["clientToken"]) == (1, f"{launch_id()}-0")
    assert request["startedBy"] == f"airflow/{launch_id()}"
    assert tags(request)["a"] == "1"


def test_the_same_attempt_gives_the_same_request() -> None:
    """AWS recognizes a repeated launch by equal parameters."""
    given: dict[str, Any] = {"env": {"B": "2", "A": "1"}, "tags": {"z": "1", "a": "2"}}
    assert json.dumps(build(**given)) == json.dumps(build(**given))


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"run_task": {"grup": "g"}}, "grup"),
        ({"run_task": {"overrides": {"containerOverrides": "x"}}}, "containerOverrides"),
        ({"run_task": {"tags": ["a"]}}, "tags"),
        ({"run_task": {"tags": [{"key": 1}]}}, "tags"),
        ({"tags": {f"tag-{n}": "v" for n in range(50)}}, "at most 50 tags, got 56"),
        ({"run_task": {"cluster": "other"}}, "One executor runs tasks in one cluster"),
    ],
)
def test_an_invalid_request_is_rejected_before_the_call(given: dict[str, Any], fact: str) -> None:
    """The message has the key, from botocore's model."""
    with pytest.raises(RequestError) as raised:
        build(**given)
    assert fact in str(raised.value)


def test_overrides_are_measured_as_json() -> None:
    """8,192 characters fit, including the JSON formatting; one more does not."""
    builder = RunRequestBuilder(CONFIG, None, request_faults)
    frame = len(json.dumps({"a": ""}))
    assert builder.overrides_fit({"overrides": {"a": "x" * (8192 - frame)}})
    assert not builder.overrides_fit({"overrides": {"a": "x" * (8193 - frame)}})
    assert builder.overrides_fit({})


SIDECAR = {"name": "sidecar", "memoryReservation": 64}


@pytest.mark.parametrize(
    "containers",
    [
        [SIDECAR],
        [{"name": "worker", "memoryReservation": 256}],
        [SIDECAR, {"name": "worker", "cpu": 128}],
        [],
    ],
)
def test_container_overrides_keep_the_command_and_the_environment(containers: list[Any]) -> None:
    """They are merged by container name."""
    request = build(env={"A": "1"}, run_task={"overrides": {"containerOverrides": containers}})
    ours = next(each for each in request["overrides"]["containerOverrides"] if each["name"] == "worker")
    assert ours["command"] == COMMAND
    assert ours["environment"] == [{"name": "A", "value": "1"}]
    given = {each["name"]: each for each in containers}
    made = {each["name"]: each for each in request["overrides"]["containerOverrides"]}
    assert all(given[name].items() <= made[name].items() for name in given)


def test_an_environment_variable_in_run_task_replaces_the_one_with_its_name() -> None:
    """The others stay."""
    mine = [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    overrides = {"containerOverrides": [{"name": "worker", "environment": mine}]}
    request = build(env={"A": "1", "C": "4"}, run_task={"overrides": overrides})
    (ours,) = request["overrides"]["containerOverrides"]
    assert {each["name"]: each["value"] for each in ours["environment"]} == {"A": "2", "B": "3", "C": "4"}


@pytest.mark.parametrize("command", [["airflow", "version"], [], ["sh", "-c", "true"]])
def test_run_task_that_replaces_the_command_is_rejected(command: list[str]) -> None:
    """In executor_config and in a profile."""
    overrides = {"containerOverrides": [{"name": "worker", "command": command}]}
    with pytest.raises(RequestError, match="must run Airflow's command"):
        build(run_task={"overrides": overrides})


@pytest.mark.parametrize(
    "wrapped",
    [["tini", "--", *COMMAND], ["sh", "-c", f"umask 027; exec {' '.join(COMMAND)}"], [*COMMAND, "--verbose"]],
)
def test_a_wrapper_around_the_command_is_allowed(wrapped: list[str]) -> None:
    """For example an init process, or a shell that sets something first."""
    overrides = {"containerOverrides": [{"name": "worker", "command": wrapped}]}
    assert build(run_task={"overrides": overrides})["overrides"] == overrides


def test_options_are_copies() -> None:
    """A DAG that changes its dictionary later does not change the request."""
    given: dict[str, Any] = {"run_task": {"overrides": {"cpu": "256"}}, "tags": {"a": "b"}}
    options = parse_task_options("executor_config", given)
    given["run_task"]["overrides"]["cpu"] = "4096"
    given["tags"]["a"] = "c"
    assert options.run_task["overrides"]["cpu"] == "256"
    assert options.tags["a"] == "b"
