"""One task of real containers: from its image to its removal, told to the plane step by step."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from typing import TYPE_CHECKING

from local_cloud.containers.task_containers import TaskContainers
from local_cloud.containers.task_services import CannotStart
from local_cloud.ecs import lifecycle as life
from local_cloud.ecs.lifecycle import Change
from local_cloud.ecs.records import evolve
from local_cloud.simulated.behaviour import EXITED

if TYPE_CHECKING:
    from local_cloud.containers.engine import DockerEngine
    from local_cloud.ecs.definitions import ContainerDefinition, Dependency, TaskDefinition
    from local_cloud.ecs.records import NetworkInterface, Task

log = logging.getLogger("local_cloud")

HEALTH_POLL = 0.5  # seconds between looks at a container's health, for those others wait for
EXIT_POLL = 0.02  # seconds between looks at a container's end, for those others wait for


class StopAsked(Exception):  # noqa: N818 - named for what happened
    """The task is to end before it runs."""


class DockerTask:
    """Carries one task through its life in a thread of its own."""

    def __init__(self, engine: DockerEngine, task: Task, definition: TaskDefinition) -> None:
        self._engine = engine
        self._task = task
        self._definition = definition
        # A container's name when it has ended, None when the task is to end.
        self._happened: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        self._containers = TaskContainers(engine, task, definition, self._happened.put)
        self._thread = threading.Thread(target=self._run, name=f"task-{task.task_id[:8]}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def request_stop(self) -> None:
        """The desired status has become STOPPED."""
        self._stop.set()
        self._happened.put(None)

    def kill(self, container: str) -> None:
        """Send SIGKILL to a container."""
        self._containers.kill(container)

    def abandon(self) -> None:
        """The cloud shuts down: tell the plane nothing more."""
        self._abandoned.set()
        self.request_stop()

    def join(self, timeout: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            try:
                self._begin()
                self._wait()
                self._end()
            except StopAsked:
                self._end()
            except Exception as error:  # noqa: BLE001 - whatever it is, the task has failed to start
                self._fail(error)
            self._remove()
            self._tell(Change(life.STOPPED))
        finally:
            self._engine.agent.forget(self._task.arn)
            self._engine.finished(self._task.arn)

    def _remove(self) -> None:
        """Leave nothing behind; an engine that answers no more must not keep the task from being STOPPED."""
        try:
            self._containers.remove()
        except Exception:
            if not self._abandoned.is_set():
                log.exception("%s: its containers could not be removed", self._task.arn)

    def _begin(self) -> None:
        """Everything up to RUNNING; raises CannotStart or StopAsked."""
        connected = {"connectivity": "CONNECTED", "interface_status": "ATTACHED"}
        stamps = ("connectivity_at", "pull_started_at")
        self._tell(Change(life.PENDING, stamps=stamps, facts=connected))
        digests = []
        for container in self._definition.containers:
            self._continue()
            digests.append(self._containers.pull(container))
        secrets = {item.name: self._containers.secrets(item) for item in self._definition.containers}
        self._tell(Change(life.ACTIVATING, stamps=("pull_stopped_at",), containers=tuple(digests)))
        self._containers.prepare()
        for container in in_order(self._definition.containers):
            for dependency in container.depends_on:
                self._await(dependency)
            self._continue()
            self._containers.start(container, secrets[container.name])
        self._tell(Change(life.RUNNING, containers=self._containers.up(), facts=self._addressed()))

    def _addressed(self) -> dict[str, NetworkInterface]:
        """The task's network interface with the address that its containers really have."""
        address, interface = self._containers.address(), self._task.interface
        if address is None or interface is None:
            return {}
        return {"interface": evolve(interface, {"private_ipv4": address})}

    def _await(self, dependency: Dependency) -> None:
        """Wait until the container has reached what is asked for; raises CannotStart when it never will."""
        name, condition = dependency.container, dependency.condition
        running = self._containers.running[name]
        limit = running.definition.start_timeout
        deadline = math.inf if limit is None else time.monotonic() + limit
        while condition == "HEALTHY":
            health = self._containers.health(name)
            if health == "healthy":
                return
            if health == "unhealthy" or running.exit_code is not None:
                raise CannotStart(f"Container {name} did not become healthy")
            self._pause(HEALTH_POLL, dependency, deadline)
        while condition in ("COMPLETE", "SUCCESS") and running.exit_code is None:
            self._pause(EXIT_POLL, dependency, deadline)
        if condition == "SUCCESS" and running.exit_code != 0:
            raise CannotStart(f"Container {name} must exit with 0 and exited with {running.exit_code}")

    def _pause(self, seconds: float, dependency: Dependency, deadline: float) -> None:
        """Wait a little for a dependency; raises StopAsked, or CannotStart after its startTimeout."""
        self._stop.wait(seconds)
        self._continue()
        if time.monotonic() > deadline:
            limit = self._containers.running[dependency.container].definition.start_timeout
            raise CannotStart(
                f"Container {dependency.container} did not reach {dependency.condition} within its "
                f"startTimeout of {limit} seconds"
            )

    def _wait(self) -> None:
        """Return when an essential container has ended or the task is to stop."""
        checked = self._containers.have_health_checks()
        while not self._stop.is_set():
            try:
                name = self._happened.get(timeout=HEALTH_POLL if checked else None)
            except queue.Empty:
                if health := self._containers.new_health():
                    self._tell(Change(containers=health))
                continue
            if name is None:
                continue
            if self._containers.running[name].definition.essential or not self._containers.living():
                return
            self._tell(Change(containers=self._containers.ends()))

    def _end(self) -> None:
        """Stop what still runs, and say so; a stop that was asked for keeps its own code and reason."""
        code, reason = EXITED
        first, *others = life.way_down(self._task.last_status)
        self._tell(Change(first, stop_code=code, stopped_reason=reason, containers=self._containers.ends()))
        for status in others[:-1]:
            self._tell(Change(status))
        self._containers.stop_living()
        while self._containers.living() and not self._abandoned.is_set():
            self._happened.get()
        self._tell(Change(life.DEPROVISIONING, containers=self._containers.ends()))

    def _fail(self, error: Exception) -> None:
        if self._abandoned.is_set():
            return
        if not isinstance(error, CannotStart):
            log.error("%s: the task failed to start", self._task.arn, exc_info=error)
        reason = str(error) if isinstance(error, CannotStart) else f"InternalError: {error}"
        self._containers.kill_started()
        for status in life.way_down(self._task.last_status):
            self._tell(Change(status, "TaskFailedToStart", reason, containers=self._containers.ends()))

    def _continue(self) -> None:
        if self._stop.is_set() or self._containers.essential_ended():
            raise StopAsked

    def _tell(self, change: Change) -> None:
        if not self._abandoned.is_set():
            self._task = self._engine.plane.progress(self._task.arn, change)


def in_order(containers: tuple[ContainerDefinition, ...]) -> list[ContainerDefinition]:
    """Each container after those it depends on; raises CannotStart when they depend on each other."""
    ordered: list[ContainerDefinition] = []
    waiting = list(containers)
    while waiting:
        done = {item.name for item in ordered}
        ready = [item for item in waiting if all(need.container in done for need in item.depends_on)]
        if not ready:
            raise CannotStart("ResourceInitializationError: the containers depend on each other in a circle")
        ordered += ready
        waiting = [item for item in waiting if item not in ready]
    return ordered
