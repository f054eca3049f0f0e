"""The engine of real containers: one thread per task, one per container, everything labelled and removed."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker.errors
import requests

from local_cloud.containers.task import DockerTask

if TYPE_CHECKING:
    from local_cloud.containers.agent import TaskAgent
    from local_cloud.containers.docker_host import DockerHost
    from local_cloud.containers.task_services import TaskServices
    from local_cloud.ecs.definitions import TaskDefinition
    from local_cloud.ecs.engine import Progress
    from local_cloud.ecs.records import Task

log = logging.getLogger("local_cloud")

LEFT_BEHIND = "what runs there is removed at the next start with the same --state-dir."
CLOSE_TIMEOUT = 20.0  # seconds that close() gives the threads of its tasks together


@dataclass(frozen=True)
class DockerSettings:
    """What the engine is told once.

    instance: the label's value on everything it makes. endpoint: this cloud's address as containers reach it.
    registry: the local registry that stands for ECR, or None. name_server: the DNS server that containers
    use; the engine's when None.
    """

    instance: str
    endpoint: str
    registry: str | None = None
    name_server: str | None = None


class DockerEngine:
    """Runs tasks as containers of a Docker engine. See Engine."""

    def __init__(
        self, host: DockerHost, services: TaskServices, agent: TaskAgent, settings: DockerSettings
    ) -> None:
        self.host = host
        self.services = services
        self.agent = agent
        self.settings = settings
        self._plane: Progress | None = None
        self._tasks: dict[str, DockerTask] = {}
        self._lock = threading.Lock()
        self._closed = False

    def bind(self, plane: Progress) -> None:
        """See Engine."""
        self._plane = plane

    @property
    def plane(self) -> Progress:
        """The plane this engine tells."""
        if self._plane is None:
            raise RuntimeError("the engine is bound to no task plane")
        return self._plane

    def launch(self, task: Task, definition: TaskDefinition) -> None:
        """See Engine."""
        running = DockerTask(self, task, definition)
        with self._lock:
            if self._closed:
                return
            self._tasks[task.arn] = running
        running.start()

    def stop(self, task: Task) -> None:
        """See Engine."""
        with self._lock:
            running = self._tasks.get(task.arn)
        if running is not None:
            running.request_stop()

    def kill(self, task: Task, container: str) -> None:
        """See Engine."""
        with self._lock:
            running = self._tasks.get(task.arn)
        if running is not None:
            running.kill(container)

    def finished(self, arn: str) -> None:
        """A task's thread has ended and left nothing behind."""
        with self._lock:
            self._tasks.pop(arn, None)

    def close(self) -> None:
        """See Engine."""
        with self._lock:
            self._closed = True
            running = list(self._tasks.values())
        for task in running:
            task.abandon()
        # Removing the containers is what wakes the threads that follow them.
        if not self._remove_all():
            return
        deadline = time.monotonic() + CLOSE_TIMEOUT
        for task in running:
            task.join(max(0.0, deadline - time.monotonic()))
        self._remove_all()

    def _remove_all(self) -> bool:
        try:
            self.host.remove_all(self.settings.instance)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            log.warning("The Docker engine answers no more (%s): %s", error, LEFT_BEHIND)
            return False
        return True
