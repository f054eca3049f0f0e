"""The request: complete, checked against botocore's model of RunTask, the same to the byte."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.errors import RequestError
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.task_options import TaskOptions, parse_task_options
from airflow_fargate.tasks.launch import TaskIdentity
from unit.examples import CONFIG, an_attempt, launch_id

if TYPE_CHECKING:
    from airflow_fargate.settings.config import FargateConfig

COMMAND = ["airflow", "fargate", "run-workload", "s3://b/k"]


def build(
    config: FargateConfig = CONFIG, hook: Any = None, capacity: int = 0, **options: Any
) -> dict[str, Any]:
    """Build the request of one attempt."""
    attempt = an_attempt(options=parse_task_options("executor_config", options))
    builder = RunRequestBuilder(config, hook, request_faults)
    return builder.build(replace(attempt, capacity=capacity), COMMAND)


def tags(request: dict[str, Any]) -> dict[str, str]:
    """Return a request's tags as a dictionary."""
    return {each["key"]: each["value"] for each in request["tags"]}


def test_the_smallest_request_is_whole() -> None:
    """Everything that a Fargate task needs, and nothing that was not asked for."""
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


def test_every_task_is_tagged_with_what_it_runs() -> None:
    """Dag, task, run, try, launch id, deployment: for the bill and for the reaper."""
    assert tags(build()) == {
        "airflow-fargate:dag-id": "dag",
        "airflow-fargate:task-id": "task",
        "airflow-fargate:run-id": "run",
        "airflow-fargate:try-number": "1",
        "airflow-fargate:deployment": "airflow",
        "airflow-fargate:launch-id": launch_id(),
    }


def test_a_mapped_task_has_its_index_as_a_tag() -> None:
    """And what AWS does not take in a tag is replaced, and cut at 256."""
    identity = TaskIdentity("dag{ä}", "t" * 300, "run|1\t\n", 2, map_index=3)
    attempt = an_attempt(identity=identity)
    found = tags(RunRequestBuilder(CONFIG, None, request_faults).build(attempt, COMMAND))
    assert found["airflow-fargate:map-index"] == "3"
    assert found["airflow-fargate:dag-id"] == "dag_ä_"
    assert found["airflow-fargate:run-id"] == "run_1__"
    assert len(found["airflow-fargate:task-id"]) == 256


def test_own_tags_are_joined_and_cannot_hide_ours() -> None:
    """Section, then task; the standard ones above all."""
    config = replace(CONFIG, tags={"team": "data", "env": "dev"})
    found = tags(build(config, tags={"env": "prod", "airflow-fargate:launch-id": "x"}))
    assert (found["team"], found["env"]) == ("data", "prod")
    assert found["airflow-fargate:launch-id"] == launch_id()


def test_every_option_of_a_task_has_its_place() -> None:
    """Size, storage, role, environment, definition, subnets."""
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


def test_the_chain_is_walked_and_begins_again() -> None:
    """Spot, On-Demand, Spot: a strategy each, never with a launch type."""
    config = replace(CONFIG, capacity_chain=("FARGATE_SPOT", "FARGATE"))
    for number, provider in enumerate(("FARGATE_SPOT", "FARGATE", "FARGATE_SPOT")):
        request = build(config, capacity=number)
        assert request["capacityProviderStrategy"] == [{"capacityProvider": provider, "weight": 1}]
        assert "launchType" not in request
        assert request["platformVersion"] == "LATEST"


def test_a_tasks_own_capacity_goes_before_the_sections() -> None:
    """executor_config={'capacity': ...} replaces the chain."""
    config = replace(CONFIG, capacity_chain=("FARGATE_SPOT", "FARGATE"))
    assert build(config, capacity=1)["capacityProviderStrategy"][0]["capacityProvider"] == "FARGATE"
    attempt = an_attempt(options=TaskOptions(capacity=("mine",)))
    assert RunRequestBuilder(config, None, request_faults).capacity(attempt) == "mine"


def test_container_instances_get_neither_platform_nor_address() -> None:
    """EC2: what belongs to Fargate is not sent."""
    request = build(replace(CONFIG, launch_type="EC2", security_groups=()))
    assert request["launchType"] == "EC2"
    assert "platformVersion" not in request
    assert request["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"]}}


def test_a_provider_of_container_instances_gets_no_public_address() -> None:
    """In a chain after Fargate: ECS refuses assignPublicIp ENABLED for what is not Fargate's."""
    config = replace(CONFIG, capacity_chain=("FARGATE", "my-instances"), assign_public_ip="ENABLED")
    fargate, instances = (build(config, capacity=number) for number in range(2))
    assert fargate["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    assert "assignPublicIp" not in instances["networkConfiguration"]["awsvpcConfiguration"]
    assert instances["capacityProviderStrategy"][0]["capacityProvider"] == "my-instances"
    assert "platformVersion" not in instances


def test_the_escape_is_laid_over_and_cannot_touch_the_id() -> None:
    """run_task: any argument, nested ones joined; token, count, startedBy stay ours."""
    request = build(
        run_task={
            "group": "g",
            "count": 5,
            "clientToken": "x",
            "startedBy": "y",
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


def test_the_same_attempt_gives_the_same_bytes() -> None:
    """AWS knows a repeated launch by equal parameters."""
    given: dict[str, Any] = {"env": {"B": "2", "A": "1"}, "tags": {"z": "1", "a": "2"}}
    assert json.dumps(build(**given)) == json.dumps(build(**given))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"run_task": {"grup": "g"}}, "grup"),
        ({"run_task": {"overrides": {"containerOverrides": "x"}}}, "containerOverrides"),
        ({"run_task": {"tags": ["a"]}}, "tags"),
        ({"run_task": {"tags": [{"key": 1}]}}, "tags"),
        ({"tags": {f"tag-{n}": "v" for n in range(50)}}, "at most 50 tags, got 56"),
        ({"run_task": {"cluster": "other"}}, "One executor runs tasks in one cluster"),
    ],
)
def test_what_run_task_would_not_take_is_refused_before_the_call(given: dict[str, Any], words: str) -> None:
    """Botocore's model names the key."""
    with pytest.raises(RequestError) as raised:
        build(**given)
    assert words in str(raised.value)


# --- AIP-29's execution_config_function ---------------------------------------------------------------------


def aip29(command: list[str]) -> dict[str, Any]:
    """Return the request as the example of AIP-29 does."""
    return {
        "cluster": "airflow",
        "taskDefinition": "from-hook",
        "platformVersion": "LATEST",
        "overrides": {"containerOverrides": [{"name": "worker", "command": command}]},
        "count": 1,
        "launchType": "FARGATE",
    }


def bare(command: list[str]) -> dict[str, Any]:
    """Return as little as a hook may."""
    return {
        "taskDefinition": "d",
        "overrides": {"containerOverrides": [{"name": "worker", "command": command}]},
    }


def test_the_hook_makes_the_request_and_ours_are_added() -> None:
    """It gets the command and returns keyword arguments; id, token and tags still apply."""
    request = build(hook=aip29)
    assert request_faults(request) == ""
    assert request["taskDefinition"] == "from-hook"
    assert request["overrides"]["containerOverrides"] == [{"name": "worker", "command": COMMAND}]
    assert request["clientToken"] == f"{launch_id()}-0"
    assert tags(request)["airflow-fargate:launch-id"] == launch_id()
    assert "networkConfiguration" not in request


def test_the_hook_may_leave_the_cluster_to_us_and_add_tags() -> None:
    """What it does not say is the section's; its tags are kept."""
    request = build(hook=lambda command: bare(command) | {"tags": [{"key": "a", "value": "1"}]})
    assert request["cluster"] == "airflow"
    assert tags(request)["a"] == "1"


def test_what_a_task_asks_for_lies_over_what_the_hook_returns() -> None:
    """Size, role, environment, definition, subnets, capacity: the DAG's author is not silently ignored."""

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


def test_a_task_that_asks_for_nothing_leaves_the_hooks_request_as_it_is() -> None:
    """No container is added, no launch type taken away."""
    request = build(hook=lambda command: bare(command) | {"launchType": "EC2"})
    assert request["launchType"] == "EC2"
    assert request["overrides"] == bare(COMMAND)["overrides"]


def test_the_cluster_may_be_named_by_its_arn() -> None:
    """The same cluster in its two forms is one."""
    arn = "arn:aws:ecs:us-east-1:123456789012:cluster/airflow"
    assert build(hook=lambda command: aip29(command) | {"cluster": arn})["cluster"] == arn


@pytest.mark.parametrize(
    ("result", "words"),
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
def test_a_bad_answer_of_the_hook_names_the_key(result: Any, words: str) -> None:
    """Before the first call, as an error of that task alone."""
    with pytest.raises(RequestError) as raised:
        build(replace(CONFIG, execution_config_function="my.hook"), hook=lambda command: result)
    assert words in str(raised.value)
    assert "[fargate]" in str(raised.value)


def test_a_hook_that_raises_is_named() -> None:
    """With its error."""
    with pytest.raises(RequestError, match=r"execution_config_function my.hook raised .*division"):
        build(replace(CONFIG, execution_config_function="my.hook"), hook=lambda command: 1 / 0)


def test_the_hook_cannot_change_the_command_behind_our_back() -> None:
    """It gets a copy."""

    def hook(command: list[str]) -> dict[str, Any]:
        command.clear()
        return bare(COMMAND)

    assert build(hook=hook)["overrides"] == bare(COMMAND)["overrides"]


def test_overrides_are_measured_as_json() -> None:
    """8,192 characters, formatting included: one more does not fit."""
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
    """A sidecar, a memory reservation: laid over the container of the same name, beside what is there."""
    request = build(env={"A": "1"}, run_task={"overrides": {"containerOverrides": containers}})
    ours = next(each for each in request["overrides"]["containerOverrides"] if each["name"] == "worker")
    assert ours["command"] == COMMAND
    assert ours["environment"] == [{"name": "A", "value": "1"}]
    given = {each["name"]: each for each in containers}
    made = {each["name"]: each for each in request["overrides"]["containerOverrides"]}
    assert all(given[name].items() <= made[name].items() for name in given)


def test_an_environment_variable_in_run_task_replaces_the_one_of_its_name() -> None:
    """By name; the others stay."""
    mine = [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    overrides = {"containerOverrides": [{"name": "worker", "environment": mine}]}
    request = build(env={"A": "1", "C": "4"}, run_task={"overrides": overrides})
    (ours,) = request["overrides"]["containerOverrides"]
    assert {each["name"]: each["value"] for each in ours["environment"]} == {"A": "2", "B": "3", "C": "4"}


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
    """The image's own command would run, exit with 0, and pass for the task."""
    with pytest.raises(RequestError, match="must run Airflow's command in the container 'worker'"):
        build(hook=lambda _: {"taskDefinition": "d", "overrides": {"containerOverrides": containers}})


@pytest.mark.parametrize("command", [["airflow", "version"], [], ["sh", "-c", "true"]])
def test_run_task_that_replaces_the_command_is_rejected(command: list[str]) -> None:
    """In executor_config and in a profile alike."""
    overrides = {"containerOverrides": [{"name": "worker", "command": command}]}
    with pytest.raises(RequestError, match="must run Airflow's command"):
        build(run_task={"overrides": overrides})


@pytest.mark.parametrize(
    "wrapped",
    [["tini", "--", *COMMAND], ["sh", "-c", f"umask 027; exec {' '.join(COMMAND)}"], [*COMMAND, "--verbose"]],
)
def test_a_wrapper_around_the_command_is_allowed(wrapped: list[str]) -> None:
    """An init, a shell line that sets something first."""
    overrides = {"containerOverrides": [{"name": "worker", "command": wrapped}]}
    assert build(run_task={"overrides": overrides})["overrides"] == overrides


def test_a_hook_that_fills_one_dictionary_for_every_task_gives_each_its_own_request() -> None:
    """A throttled request is kept and sent again: it must not have become the next task's."""
    shared = bare([])

    def hook(command: list[str]) -> dict[str, Any]:
        shared["overrides"]["containerOverrides"][0]["command"] = command
        return shared

    builder = RunRequestBuilder(CONFIG, hook, request_faults)
    first = builder.build(an_attempt(1), [*COMMAND, "a"])
    builder.build(an_attempt(2), [*COMMAND, "b"])
    assert first["overrides"]["containerOverrides"][0]["command"][-1] == "a"


def test_options_are_not_the_dag_authors_own_objects() -> None:
    """What a DAG changes later changes no request."""
    given: dict[str, Any] = {"run_task": {"overrides": {"cpu": "256"}}, "tags": {"a": "b"}}
    options = parse_task_options("executor_config", given)
    given["run_task"]["overrides"]["cpu"] = "4096"
    given["tags"]["a"] = "c"
    assert options.run_task["overrides"]["cpu"] == "256"
    assert options.tags["a"] == "b"
