"""What RunTask and its siblings refuse, with the codes and words of ECS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from local_cloud.ecs.definitions import FARGATE_SIZES

if TYPE_CHECKING:
    from contract.local_cloud.worlds import SimulatedWorld

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
STRATEGY = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]


def refused(world: SimulatedWorld, **changes: Any) -> dict[str, Any]:
    """The error that RunTask answers with these parameters changed; None leaves one out."""
    family = world.define()
    request = {**world.request(family), **changes}
    with pytest.raises(ClientError) as raised:
        world.ecs.run_task(**{name: value for name, value in request.items() if value is not None})
    assert world.plane.tasks() == ()
    return dict(raised.value.response["Error"])


def override(**members: Any) -> dict[str, Any]:
    """Overrides of the worker container."""
    return {"containerOverrides": [{"name": "worker", **members}]}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"cluster": "none"}, "ClusterNotFoundException", "Cluster not found."),
        ({"taskDefinition": "none"}, "ClientException", "TaskDefinition not found."),
        ({"taskDefinition": "none:7"}, "ClientException", "TaskDefinition not found."),
        (
            {"networkConfiguration": None},
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        ({"count": 11}, "InvalidParameterException", "count"),
        ({"count": 0}, "InvalidParameterException", "count"),
        (
            {"overrides": {"containerOverrides": [{"name": "other"}]}},
            "InvalidParameterException",
            "Override for container named other is not a container in the TaskDefinition.",
        ),
        (
            {"capacityProviderStrategy": STRATEGY},
            "InvalidParameterException",
            "both a launch type and capacity",
        ),
        (
            {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "MINE"}]},
            "InvalidParameterException",
            "not associated with the cluster",
        ),
        (
            {"launchType": None, "capacityProviderStrategy": [{**STRATEGY[0], "base": 1}] * 2},
            "InvalidParameterException",
            "base",
        ),
        ({"startedBy": "with space"}, "InvalidParameterException", "startedBy"),
        ({"startedBy": "x" * 129}, "InvalidParameterException", "startedBy"),
        ({"clientToken": "x" * 65}, "InvalidParameterException", "clientToken"),
        ({"platformVersion": "9.9.9"}, "PlatformUnknownException", "platform version"),
        ({"propagateTags": "SERVICE"}, "InvalidParameterException", "propagateTags"),
        ({"tags": [{"key": "aws:mine", "value": "1"}]}, "InvalidParameterException", "reserved"),
        ({"tags": [{"key": "a"}, {"key": "a"}]}, "InvalidParameterException", "unique"),
        ({"tags": [{"key": str(n)} for n in range(51)]}, "InvalidParameterException", "at most 50 tags"),
        ({"overrides": {"cpu": "300"}}, "InvalidParameterException", "No Fargate configuration exists"),
        ({"overrides": {"memory": "0.7 GB"}}, "InvalidParameterException", "No Fargate configuration exists"),
        ({"overrides": {"cpu": "much"}}, "InvalidParameterException", "much"),
        ({"overrides": override(memory=1024)}, "InvalidParameterException", "within the task's memory"),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": [f"s-{n}" for n in range(17)]}}},
            "InvalidParameterException",
            "at most 16",
        ),
        (
            {
                "networkConfiguration": {
                    "awsvpcConfiguration": {
                        "subnets": ["s-1"],
                        "securityGroups": [f"g-{n}" for n in range(6)],
                    }
                }
            },
            "InvalidParameterException",
            "at most 5",
        ),
    ],
)
def test_a_wrong_parameter_is_refused(
    simulated: SimulatedWorld, changes: dict[str, Any], code: str, words: str
) -> None:
    """ECS's code, a message that names the matter, and no task."""
    error = refused(simulated, **changes)
    assert error["Code"] == code
    assert words in error["Message"]


def test_overrides_may_have_8192_characters_and_no_more(simulated: SimulatedWorld) -> None:
    """JSON's own characters count; characters count, not bytes."""
    empty = len('{"containerOverrides":[{"name":"worker","command":[""]}]}')
    request = simulated.request(simulated.define())
    fits = override(command=["ü" * (8192 - empty)])
    assert simulated.ecs.run_task(**request, overrides=fits)["tasks"]
    with pytest.raises(ClientError, match="Container Overrides length must be at most 8192"):
        simulated.ecs.run_task(**request, overrides=override(command=["ü" * (8193 - empty)]))


@pytest.mark.parametrize("cpu", FARGATE_SIZES)
def test_every_size_of_fargates_table_is_accepted_and_none_beside_it(
    simulated: SimulatedWorld, cpu: int
) -> None:
    """For each cpu its smallest and largest memory work; 512 MiB less and 512 MiB more do not."""
    request = simulated.request(simulated.define())
    smallest, largest = FARGATE_SIZES[cpu][0], FARGATE_SIZES[cpu][-1]
    for memory in (smallest, largest):
        sizes = {"cpu": str(cpu), "memory": str(memory)}
        task = simulated.ecs.run_task(**request, overrides=sizes)["tasks"][0]
        assert (task["cpu"], task["memory"]) == (str(cpu), str(memory))
    for memory in (smallest - 256, largest + 512):
        with pytest.raises(ClientError, match="No Fargate configuration exists"):
            simulated.ecs.run_task(**request, overrides={"cpu": str(cpu), "memory": str(memory)})


def test_parameters_botocore_would_not_send_are_refused_before_anything_happens(
    simulated: SimulatedWorld,
) -> None:
    """A misspelt or mistyped parameter is a ParamValidationError, as with boto3 itself."""
    request = simulated.request(simulated.define())
    for wrong in ({"launchtype": "FARGATE"}, {"count": "1"}, {"tags": [{"key": 1}]}):
        with pytest.raises(ParamValidationError):
            simulated.ecs.run_task(**{**request, **wrong})
    assert simulated.plane.calls["RunTask"] == 0


def test_a_definition_for_ec2_alone_does_not_run_on_fargate(simulated: SimulatedWorld) -> None:
    """The launch type has to be among the definition's compatibilities; EC2 asks for no Fargate size."""
    family = simulated.define(requiresCompatibilities=["EC2"], cpu="300", memory="300")
    with pytest.raises(ClientError, match="does not support launch_type FARGATE"):
        simulated.ecs.run_task(**simulated.request(family))
    task = simulated.ecs.run_task(**{**simulated.request(family), "launchType": "EC2"})["tasks"][0]
    assert task["launchType"] == "EC2"
    assert "platformVersion" not in task


def test_describing_and_stopping_refuse_what_ecs_refuses(simulated: SimulatedWorld) -> None:
    """No ARN, 101 ARNs, another cluster's ARN, an unknown task to stop."""
    ecs, cluster = simulated.ecs, simulated.cluster
    arn = simulated.start()
    elsewhere = arn.replace(f"/{cluster}/", "/other/")
    for tasks, words in (
        ([], "empty"),
        ([arn] * 101, "100"),
        ([elsewhere], "Identifier is for cluster other"),
    ):
        with pytest.raises(ClientError, match=words):
            ecs.describe_tasks(cluster=cluster, tasks=tasks)
    with pytest.raises(ClientError, match="The referenced task was not found"):
        ecs.stop_task(cluster=cluster, task=arn[:-4] + "0000")


def test_started_by_is_the_only_filter_beside_the_status(simulated: SimulatedWorld) -> None:
    """ListTasks with startedBy and family is refused, with startedBy and desiredStatus it is not."""
    arn = simulated.start(startedBy="me/1")
    ecs, cluster = simulated.ecs, simulated.cluster
    assert ecs.list_tasks(cluster=cluster, startedBy="me/1", desiredStatus="RUNNING")["taskArns"] == [arn]
    with pytest.raises(ClientError, match="only filter"):
        ecs.list_tasks(cluster=cluster, startedBy="me/1", family="f")
