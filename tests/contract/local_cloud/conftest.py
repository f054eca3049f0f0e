"""The worlds the contract is checked in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.local_cloud.tiny_image import NotHere, make_tiny_image
from contract.local_cloud.worlds import ContainerWorld, SimulatedWorld
from local_cloud.cloud import CloudOptions, LocalCloud
from local_cloud.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.local_cloud.worlds import World


@pytest.fixture(scope="session")
def container_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A whole cloud with real containers; skips where no engine answers."""
    options = CloudOptions(port=0, state_dir=tmp_path_factory.mktemp("cloud"), registry="127.0.0.1:1")
    cloud = LocalCloud(options)
    try:
        cloud.start()
    except StartError as error:
        pytest.skip(str(error))
    yield cloud
    cloud.close()


@pytest.fixture(scope="session")
def tiny_image(container_cloud: LocalCloud) -> str:
    """An image with a shell."""
    try:
        return make_tiny_image(container_cloud.engine.host)  # type: ignore[attr-defined]
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
