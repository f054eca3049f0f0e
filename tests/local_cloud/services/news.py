"""What a service says of itself: its `events`, in ECS's words, and its events on EventBridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.identifiers import make_uuid
from local_cloud.services.events import action_event, deployment_event
from local_cloud.services.records import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from local_cloud.clock import Clock
    from local_cloud.ecs.records import Task
    from local_cloud.services.events import ServiceEvent
    from local_cloud.services.records import Deployment, Service


class News:
    """Adds messages to services and publishes their events."""

    def __init__(self, clock: Clock, random: Random, publish: Callable[[ServiceEvent], None]) -> None:
        self._clock = clock
        self._random = random
        self._publish = publish

    def started(self, service: Service, tasks: Sequence[Task]) -> None:
        """Tasks were launched."""
        self._say(service, f"(service {service.name}) has started {len(tasks)} tasks: {_named(tasks)}.")

    def stopped(self, service: Service, tasks: Sequence[Task]) -> None:
        """The scheduler stopped tasks."""
        text = f"(service {service.name}) has stopped {len(tasks)} running tasks: {_named(tasks)}."
        self._say(service, text)

    def unhealthy(self, service: Service, task: Task) -> None:
        """A task is stopped because of its health check."""
        self._say(service, f"(service {service.name}) (task {task.task_id}) failed container health checks.")

    def steady(self, service: Service) -> None:
        """The service has what it wants."""
        self._say(service, f"(service {service.name}) has reached a steady state.")
        self._act(service, "INFO", "SERVICE_STEADY_STATE")

    def not_placed(self, service: Service, problem: str) -> None:
        """Tasks could not be launched."""
        text = f"(service {service.name}) was unable to place a task. Reason: {problem}"
        self._say(service, text)
        self._act(service, "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", reason=problem)

    def impaired(self, service: Service) -> None:
        """Tasks fail again and again."""
        text = (
            f"(service {service.name}) is unable to consistently start tasks successfully. For more "
            "information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        )
        self._say(service, text)
        self._act(service, "WARN", "SERVICE_TASK_START_IMPAIRED")

    def completed(self, service: Service) -> None:
        """The PRIMARY deployment is COMPLETED."""
        primary = service.primary
        self._say(service, f"(service {service.name}) (deployment {primary.id}) deployment completed.")
        self.deployment(service, primary, "COMPLETED")

    def rolling_back(self, service: Service, target: Deployment) -> None:
        """The circuit breaker returns to an earlier deployment."""
        self._say(service, f"(service {service.name}) rolling back to (deployment {target.id}).")

    def scaled(self, service: Service) -> None:
        """The desired count changed."""
        self._act(service, "INFO", "SERVICE_DESIRED_COUNT_UPDATED")

    def deployment(self, service: Service, deployment: Deployment, state: str) -> None:
        """A deployment entered a rollout state."""
        if state == "FAILED":
            about = f"(service {service.name}) (deployment {deployment.id})"
            self._say(service, f"{about} deployment failed: tasks failed to start.")
        self._publish(
            deployment_event(service, deployment, state, self._clock.now(), make_uuid(self._random))
        )

    def _say(self, service: Service, text: str) -> None:
        service.messages.appendleft(Message(make_uuid(self._random), self._clock.now(), text))

    def _act(self, service: Service, level: str, name: str, reason: str | None = None) -> None:
        self._publish(action_event(service, level, name, reason, self._clock.now(), make_uuid(self._random)))


def _named(tasks: Sequence[Task]) -> str:
    return " ".join(f"(task {task.task_id})" for task in tasks)
