"""The worlds the contract is checked in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import needs
from contract.local_cloud.tiny_image import NotHere, make_talking_image, make_tiny_image
from contract.local_cloud.worlds import NUMBERS, ContainerWorld, SimulatedWorld, client
from local_cloud import Behaviour
from local_cloud.cloud import CloudOptions, LocalCloud
from local_cloud.databases.programs import find_programs
from local_cloud.errors import StartError
from smoke.postgres import obtainable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.local_cloud.worlds import World

QUICK = Behaviour(provisioning=0, pending=0, run=0, stopping=0, deprovisioning=0)


@pytest.fixture(scope="session")
def container_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A whole cloud with real containers; skips where no engine answers. Installs PostgreSQL if it may."""
    if obtainable():
        needs.postgres()
    options = CloudOptions(port=0, state_dir=tmp_path_factory.mktemp("cloud"), registry="127.0.0.1:1")
    cloud = LocalCloud(options)
    try:
        cloud.start()
    except StartError as error:
        needs.engine_failed(error)
    yield cloud
    cloud.close()


@pytest.fixture(scope="session")
def tiny_image(container_cloud: LocalCloud) -> str:
    """An image with a shell."""
    try:
        return make_tiny_image(container_cloud.engine.host)  # type: ignore[attr-defined]
    except NotHere as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def talking_image(container_cloud: LocalCloud) -> str:
    """An image with a shell and what it takes to resolve names, to listen and to ask a database."""
    needs.root("to give each database an address of its own")
    needs.postgres()
    needs.bridge_here(container_cloud.engine.host.bridge)  # type: ignore[attr-defined]
    programs = find_programs()
    assert container_cloud.databases is not None, "ip is missing: `apt-get install iproute2`"
    assert programs is not None, "PostgreSQL was installed, and its programs were not found"
    try:
        return make_talking_image(container_cloud.engine.host, programs.folder / "psql")  # type: ignore[attr-defined]
    except NotHere as error:
        pytest.skip(str(error))


@pytest.fixture
def containers(container_cloud: LocalCloud, tiny_image: str) -> ContainerWorld:
    """The world of real containers."""
    return ContainerWorld(container_cloud, tiny_image)


@pytest.fixture
def simulated() -> SimulatedWorld:
    """The simulated world."""
    return SimulatedWorld()


@pytest.fixture(params=["simulated", pytest.param("containers", marks=pytest.mark.engine)])
def world(request: pytest.FixtureRequest) -> World:
    """Either world: what holds here holds in both."""
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def simulated_cloud() -> Iterator[LocalCloud]:
    """A whole cloud over HTTP with simulated tasks."""
    with LocalCloud(CloudOptions(engine="simulated", port=0, seed=1)) as cloud:
        yield cloud


@pytest.fixture
def cloud(simulated_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The session's cloud, without faults before and after."""
    simulated_cloud.plane.faults.clear()
    simulated_cloud.engine.default = QUICK  # type: ignore[attr-defined]
    yield simulated_cloud
    simulated_cloud.plane.faults.clear()


@pytest.fixture
def request_for(cloud: LocalCloud) -> dict[str, Any]:
    """RunTask's parameters for a task of a cluster of its own."""
    ecs, name = client(cloud.endpoint, "ecs"), f"h{next(NUMBERS)}"
    ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(
        family=name,
        cpu="256",
        memory="512",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=[{"name": "worker", "image": "x"}],
    )
    subnet = client(cloud.endpoint, "ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    return {
        "cluster": name,
        "taskDefinition": name,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet]}},
    }
