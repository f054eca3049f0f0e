"""The containers, network and volumes of one task, as Docker has them."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker.errors
import requests

from local_cloud.containers.create_request import Surroundings, addressing, create_request, map_image
from local_cloud.containers.docker_host import LABEL, ImageMissing
from local_cloud.containers.logs import ship, stream_name
from local_cloud.containers.task_services import CannotStart
from local_cloud.ecs import lifecycle as life
from local_cloud.ecs.lifecycle import ContainerChange
from local_cloud.simulated.behaviour import OUT_OF_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.containers.docker_host import Image
    from local_cloud.containers.engine import DockerEngine
    from local_cloud.containers.logs import LogStream
    from local_cloud.ecs.definitions import ContainerDefinition, TaskDefinition
    from local_cloud.ecs.records import Task

log = logging.getLogger("local_cloud")

HEALTH = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}
UNREACHABLE = (docker.errors.DockerException, requests.RequestException, OSError)
REMOVED = "ContainerRuntimeError: the container was removed from outside"


@dataclass
class Running:
    """A container of the task; it lives while it has been started and has no exit code."""

    definition: ContainerDefinition
    container_id: str
    started: bool = False
    exit_code: int | None = None
    reason: str | None = None
    health: str | None = None


class TaskContainers:
    """Makes, follows, stops and removes what one task consists of.

    ended: called with a container's name, from a thread of its own, when the container has ended and all it
    wrote has been shipped.
    """

    def __init__(
        self, engine: DockerEngine, task: Task, definition: TaskDefinition, ended: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._host = engine.host
        self._task = task
        self._definition = definition
        self._ended = ended
        self._volumes: dict[str, str] = {}
        self._images: dict[str, Image] = {}
        self._pause: str | None = None
        self._network = "bridge"
        self.running: dict[str, Running] = {}

    def pull(self, container: ContainerDefinition) -> ContainerChange:
        """Have the container's image; returns its digest as a change. Raises CannotStart."""
        reference = map_image(container.image, self._engine.settings.registry)
        try:
            # A tag in ECR may have moved since; Fargate keeps no images and always asks.
            image = self._host.image(reference, refresh=reference != container.image)
        except ImageMissing as error:
            raise CannotStart(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                f"failed to resolve ref {container.image}: {error}"
            ) from error
        self._images[container.name] = image
        return ContainerChange(container.name, image_digest=image.digest)

    def secrets(self, container: ContainerDefinition) -> dict[str, str]:
        """The values of the container's secrets; raises CannotStart."""
        services, region = self._engine.services, self._task.region
        return {name: services.secret(region, reference) for name, reference in container.secrets.items()}

    def prepare(self) -> None:
        """Make the volumes, and a network for several containers to share."""
        for name in self._definition.volumes:
            docker_name = f"local-cloud-{self._task.task_id}-{name}"
            self._host.api.create_volume(docker_name, labels=self._labels("volume"))
            self._volumes[name] = docker_name
        if len(self._definition.containers) == 1:
            return
        # The containers of an awsvpc task share one network, which outlives each of them.
        body = {
            "Image": self._host.pause_image(),
            "Cmd": ["/pause"],
            "Labels": self._labels("pause"),
            "HostConfig": {
                "NetworkMode": "bridge",
                "LogConfig": {"Type": "none", "Config": {}},
                **addressing(self._host.gateway, self._engine.settings.name_server),
            },
        }
        self._pause = self._host.create(f"local-cloud-{self._task.task_id}-pause", body)
        self._host.api.start(self._pause)
        self._network = f"container:{self._pause}"

    def start(self, container: ContainerDefinition, secrets: dict[str, str]) -> None:
        """Create and start a container and follow its output; raises CannotStart."""
        container_id = self._create(container, secrets)
        running = self.running[container.name] = Running(container, container_id)
        self._engine.agent.started(self._task.arn, container.name, container_id)
        stream = self._open_log(container, container_id)
        # Attached before the start, so that not a line is missed.
        output = self._host.api.attach(container_id, stdout=True, stderr=True, stream=True, demux=True)
        try:
            self._host.api.start(container_id)
        except docker.errors.APIError as error:
            raise CannotStart(f"CannotStartContainerError: {error.explanation}") from error
        running.started = True
        threading.Thread(
            target=self._follow,
            args=(running, output, stream),
            name=f"container-{container.name}",
            daemon=True,
        ).start()

    def health(self, name: str) -> str | None:
        """Docker's word for the container's health: starting, healthy, unhealthy, or None without a check."""
        state = self._host.api.inspect_container(self.running[name].container_id)["State"]
        return (state.get("Health") or {}).get("Status")

    def have_health_checks(self) -> bool:
        """Whether a container that runs has a health check."""
        return any(item.definition.health_check is not None for item in self.living())

    def new_health(self) -> tuple[ContainerChange, ...]:
        """The containers whose health changed since the last call."""
        changes = []
        for running in self.living():
            if running.definition.health_check is None:
                continue
            name = running.definition.name
            # A container that is gone, or an engine that does not answer, shows in how the container ends.
            with contextlib.suppress(*UNREACHABLE):
                health = HEALTH.get(self.health(name) or "")
                if health is not None and health != running.health:
                    running.health = health
                    changes.append(ContainerChange(name, health=health))
        return tuple(changes)

    def address(self) -> str | None:
        """The address of the task's network; None before it has one."""
        owner = self._pause or next((item.container_id for item in self.running.values()), None)
        if owner is None:
            return None
        try:
            settings = self._host.api.inspect_container(owner)["NetworkSettings"]
        except docker.errors.NotFound:
            return None
        networks = (settings.get("Networks") or {}).values()
        return next((item["IPAddress"] for item in networks if item.get("IPAddress")), None)

    def up(self) -> tuple[ContainerChange, ...]:
        """The containers that have been started: those that run, and how the others ended."""
        running = tuple(
            ContainerChange(item.definition.name, life.RUNNING, runtime_id=item.container_id)
            for item in self.running.values()
            if item.exit_code is None
        )
        return (*running, *self.ends())

    def living(self) -> list[Running]:
        """Those that run."""
        return [item for item in self.running.values() if item.started and item.exit_code is None]

    def essential_ended(self) -> bool:
        """Whether an essential container has ended."""
        return any(item.definition.essential and item.exit_code is not None for item in self.running.values())

    def stop_living(self) -> None:
        """SIGTERM to all that run, SIGKILL after their stopTimeout; returns at once."""
        for running in self.living():
            threading.Thread(target=self._stop, args=(running,), daemon=True).start()

    def ends(self) -> tuple[ContainerChange, ...]:
        """How those ended that have."""
        return tuple(
            ContainerChange(
                name,
                life.STOPPED,
                exit_code=running.exit_code,
                reason=running.reason,
                runtime_id=running.container_id,
            )
            for name, running in self.running.items()
            if running.exit_code is not None
        )

    def kill(self, name: str) -> None:
        """Send SIGKILL to a container; harmless if it does not run."""
        running = self.running.get(name)
        if running is not None and running.started and running.exit_code is None:
            self._host.kill(running.container_id)

    def kill_started(self) -> None:
        """Remove what runs at once, when the task as a whole cannot start."""
        for running in self.living():
            self._host.remove(running.container_id)

    def remove(self) -> None:
        """Remove everything; harmless where it is gone."""
        for running in self.running.values():
            self._host.remove(running.container_id)
        if self._pause is not None:
            self._host.remove(self._pause)
        for name in self._volumes.values():
            self._host.remove_volume(name)

    def _create(self, container: ContainerDefinition, secrets: dict[str, str]) -> str:
        settings, image = self._engine.settings, self._images[container.name]
        around = Surroundings(
            image=image.image_id,
            name=container.name,
            labels=self._labels(container.name),
            environment=self._engine.agent.environment(
                self._task, self._definition, container, image.image_id, settings.endpoint
            ),
            secrets=secrets,
            network_mode=self._network,
            host_address=self._host.gateway,
            name_server=settings.name_server,
            host_cpus=self._host.cpus,
            volumes=self._volumes,
            declared_paths=image.volumes,
        )
        name = f"local-cloud-{self._task.task_id}-{container.name}"
        try:
            return self._host.create(name, create_request(container, self._definition, around))
        except docker.errors.APIError as error:
            raise CannotStart(f"CannotCreateContainerError: {error.explanation}") from error

    def _open_log(self, container: ContainerDefinition, container_id: str) -> LogStream | None:
        if container.log_driver != "awslogs":
            return None
        name = stream_name(container, self._task.task_id, container_id)
        return self._engine.services.open_log(self._task.region, container, name)

    def _follow(self, running: Running, output: Any, stream: LogStream | None) -> None:
        """Ship the container's output to its end, then note how it ended."""
        try:
            try:
                ship(output, stream)
            except (requests.RequestException, OSError, ValueError):
                log.debug("the output of %s broke off", running.container_id, exc_info=True)
            code = int(self._host.api.wait(running.container_id)["StatusCode"])
            state = self._host.api.inspect_container(running.container_id)["State"]
            if state.get("OOMKilled"):
                running.reason = OUT_OF_MEMORY
            running.exit_code = code
        except UNREACHABLE:
            # Removed under our hands: by the shutdown, or by somebody outside.
            running.reason, running.exit_code = REMOVED, 137
        self._ended(running.definition.name)

    def _stop(self, running: Running) -> None:
        try:
            self._host.api.stop(running.container_id, timeout=running.definition.stop_timeout)
        except docker.errors.NotFound:
            pass
        except (docker.errors.DockerException, requests.RequestException):
            log.exception("%s: container %s cannot be stopped", self._task.arn, running.definition.name)

    def _labels(self, part: str) -> dict[str, str]:
        return {
            LABEL: self._engine.settings.instance,
            f"{LABEL}.task": self._task.arn,
            f"{LABEL}.part": part,
        }
