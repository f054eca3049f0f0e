"""RegisterTaskDefinition rejects what Fargate rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from contract.local_cloud.worlds import NUMBERS, client

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

SIZES = "See the Amazon ECS documentation for the valid values."


def register(cloud: LocalCloud, *containers: dict[str, Any], **changes: Any) -> Any:
    """Register a definition of 256/512, or with changes; None leaves a member out."""
    given = {
        "family": f"r{next(NUMBERS)}",
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"image": "x", **item} for item in containers or ({"name": "a"},)],
        **changes,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return client(cloud.endpoint, "ecs").register_task_definition(**given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"memory": "4096"},
            f"No Fargate configuration exists for given values: 256 CPU, 4096 memory. {SIZES}",
        ),
        ({"cpu": "300"}, f"No Fargate configuration exists for given values: 300 CPU, 512 memory. {SIZES}"),
        ({"cpu": "x"}, f"No Fargate configuration exists for given values: x CPU, 512 memory. {SIZES}"),
        ({"cpu": None}, "Fargate requires that 'cpu' be defined at the task level."),
        ({"memory": None}, "Fargate requires that 'memory' be defined at the task level."),
        ({"networkMode": "bridge"}, "Fargate only supports network mode \u2018awsvpc\u2019."),
        ({"networkMode": None}, "Fargate only supports network mode \u2018awsvpc\u2019."),
    ],
)
def test_a_definition_that_fargate_does_not_run_is_rejected(
    cloud: LocalCloud, changes: dict[str, Any], message: str
) -> None:
    """ClientException, in AWS's words."""
    container = {"name": "a", "memory": 64}
    with pytest.raises(ClientError) as raised:
        register(cloud, container, **changes)
    assert raised.value.response["Error"] == {"Code": "ClientException", "Message": message}


@pytest.mark.parametrize("size", [("256", "512"), (".5 vCPU", "1 GB"), ("16384", "122880")])
def test_a_size_that_fargate_has_is_registered(cloud: LocalCloud, size: tuple[str, str]) -> None:
    """In units and MiB as in vCPU and GB."""
    cpu, memory = size
    assert register(cloud, cpu=cpu, memory=memory)["taskDefinition"]["revision"] == 1


def test_other_launch_types_may_have_any_size(cloud: LocalCloud) -> None:
    """A definition for EC2 is not checked against Fargate's sizes."""
    container = {"name": "a", "memory": 64}
    assert register(
        cloud, container, cpu="300", memory="700", requiresCompatibilities=["EC2"], networkMode="bridge"
    )


@pytest.mark.parametrize("condition", ["SUCCESS", "COMPLETE"])
def test_nobody_can_wait_for_the_end_of_an_essential_container(cloud: LocalCloud, condition: str) -> None:
    """Its end is the end of the task."""
    needs = [{"containerName": "init", "condition": condition}]
    with pytest.raises(ClientError, match="essential"):
        register(cloud, {"name": "init"}, {"name": "a", "dependsOn": needs})
    assert register(cloud, {"name": "init", "essential": False}, {"name": "a", "dependsOn": needs})


@pytest.mark.parametrize("name", ["startTimeout", "stopTimeout"])
@pytest.mark.parametrize(("seconds", "accepted"), [(1, False), (2, True), (120, True), (121, False)])
def test_timeouts_on_fargate_are_2_to_120_seconds(
    cloud: LocalCloud,
    name: str,
    seconds: int,
    accepted: bool,  # noqa: FBT001
) -> None:
    """As AWS documents both of them."""
    if accepted:
        assert register(cloud, {"name": "a", name: seconds})
        return
    with pytest.raises(ClientError, match="2 to 120 seconds"):
        register(cloud, {"name": "a", name: seconds})


def test_a_dependency_is_in_the_definition(cloud: LocalCloud) -> None:
    """A misspelled name is found before a task hangs."""
    with pytest.raises(ClientError, match="nobody"):
        register(cloud, {"name": "a", "dependsOn": [{"containerName": "nobody", "condition": "START"}]})
