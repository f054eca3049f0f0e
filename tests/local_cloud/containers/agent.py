"""What a container sees of ECS: its environment, its task's metadata (version 4), its role's credentials."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.rendering import as_iso

if TYPE_CHECKING:
    from local_cloud.ecs.definitions import ContainerDefinition, TaskDefinition
    from local_cloud.ecs.engine import Progress
    from local_cloud.ecs.records import Container, Task

LINK_LOCAL = "http://169.254.170.2"
CREDENTIALS_LIFE = timedelta(hours=6)
METADATA = re.compile(
    r"/v4/(?P<task>[0-9a-f]{32})-(?P<container>[^/]+)(?P<page>/task|/taskWithTags|/stats|/task/stats)?"
)
CREDENTIALS = re.compile(r"/v2/credentials/(?P<task>[0-9a-f]{32})")


class TaskAgent:
    """Answers for the tasks of one engine.

    endpoint_reaches: whether containers reach us at 169.254.170.2. Where they do not, metadata are served at
    the cloud's own address, and the credentials are in the environment, as botocore follows the container
    endpoint to link-local addresses only.
    """

    def __init__(self, *, endpoint_reaches: bool) -> None:
        self._link_local = endpoint_reaches
        self._plane: Progress | None = None
        self._known: dict[str, tuple[str, TaskDefinition]] = {}
        self._docker: dict[tuple[str, str], tuple[str, str]] = {}
        self._lock = threading.Lock()

    def bind(self, plane: Progress) -> None:
        """Where the tasks are."""
        self._plane = plane

    def environment(
        self,
        task: Task,
        definition: TaskDefinition,
        container: ContainerDefinition,
        image_id: str,
        endpoint: str,
    ) -> dict[str, str]:
        """The variables ECS sets in a container, and those that lead to this cloud."""
        with self._lock:
            self._known[task.task_id] = (task.arn, definition)
            self._docker[task.arn, container.name] = ("", image_id)
        base = LINK_LOCAL if self._link_local else endpoint
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": task.region,
            "AWS_DEFAULT_REGION": task.region,
            "AWS_EXECUTION_ENV": f"AWS_ECS_{task.launch_type}",
            "ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{task.task_id}-{container.name}",
        }
        if definition.task_role_arn is None:
            return environment
        if self._link_local:
            environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/v2/credentials/{task.task_id}"
            return environment
        key = credentials(task, definition.task_role_arn, datetime.now(tz=timezone.utc))
        return {
            **environment,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": key["Token"],
        }

    def started(self, arn: str, name: str, docker_id: str) -> None:
        """A container has been given its Docker id."""
        with self._lock:
            self._docker[arn, name] = (docker_id, self._docker[arn, name][1])

    def forget(self, arn: str) -> None:
        """The task is over."""
        with self._lock:
            self._known.pop(arn.rsplit("/", 1)[-1], None)
            for key in [key for key in self._docker if key[0] == arn]:
                del self._docker[key]

    def answer(self, path: str) -> dict[str, Any] | None:
        """The page at a path of the agent's, or None when it has no such page."""
        match = CREDENTIALS.fullmatch(path)
        if match is not None:
            found = self._find(match["task"])
            if found is None or found[1].task_role_arn is None:
                return None
            return credentials(found[0], found[1].task_role_arn, datetime.now(tz=timezone.utc))
        match = METADATA.fullmatch(path)
        found = self._find(match["task"]) if match is not None else None
        if match is None or found is None:
            return None
        task, definition = found
        page = match["page"] or ""
        if page.endswith("/stats"):
            return {}
        if page:
            return self._task_page(task, definition, tags=page == "/taskWithTags")
        container = next((item for item in task.containers if item.name == match["container"]), None)
        return None if container is None else self._container_page(task, definition, container)

    def _find(self, task_id: str) -> tuple[Task, TaskDefinition] | None:
        with self._lock:
            known = self._known.get(task_id)
        if known is None or self._plane is None:
            return None
        task = self._plane.task(known[0])
        return None if task is None else (task, known[1])

    def _task_page(self, task: Task, definition: TaskDefinition, *, tags: bool) -> dict[str, Any]:
        page: dict[str, Any] = {
            "Cluster": task.cluster_arn,
            "TaskARN": task.arn,
            "Family": task.family,
            "Revision": str(definition.revision),
            "DesiredStatus": task.desired_status,
            "KnownStatus": task.last_status,
            "Limits": {"CPU": int(task.cpu) / 1024, "Memory": int(task.memory)},
            "AvailabilityZone": task.availability_zone,
            "LaunchType": task.launch_type,
            "Containers": [self._container_page(task, definition, item) for item in task.containers],
            "EphemeralStorageMetrics": {"Utilized": 0, "Reserved": task.ephemeral_storage * 1024},
        }
        for name, seconds in (
            ("PullStartedAt", task.pull_started_at),
            ("PullStoppedAt", task.pull_stopped_at),
        ):
            if seconds is not None:
                page[name] = as_iso(seconds)
        if tags:
            page["TaskTags"] = dict(task.tags)
        return page

    def _container_page(self, task: Task, definition: TaskDefinition, container: Container) -> dict[str, Any]:
        docker_id, image_id = self._docker.get((task.arn, container.name), ("", ""))
        defined = definition.container(container.name)
        addresses = [] if task.interface is None else [task.interface.private_ipv4]
        return {
            "DockerId": docker_id,
            "Name": container.name,
            "DockerName": f"local-cloud-{task.task_id}-{container.name}",
            "Image": container.image,
            "ImageID": image_id,
            "Labels": {
                "com.amazonaws.ecs.cluster": task.cluster_arn,
                "com.amazonaws.ecs.container-name": container.name,
                "com.amazonaws.ecs.task-arn": task.arn,
                "com.amazonaws.ecs.task-definition-family": task.family,
                "com.amazonaws.ecs.task-definition-version": str(definition.revision),
            },
            "DesiredStatus": task.desired_status,
            "KnownStatus": container.last_status,
            "Limits": {"CPU": int(container.cpu), "Memory": int(container.memory or task.memory)},
            "CreatedAt": as_iso(task.created_at),
            "Type": "NORMAL",
            "LogDriver": defined.log_driver if defined is not None else None,
            "LogOptions": dict(defined.log_options) if defined is not None else {},
            "ContainerARN": container.arn,
            "Networks": [{"NetworkMode": definition.network_mode, "IPv4Addresses": addresses}],
        }


def credentials(task: Task, role_arn: str, now: datetime) -> dict[str, str]:
    """Credentials of a task's role, as the container endpoint gives them; no two tasks have the same."""
    return {
        "RoleArn": role_arn,
        "AccessKeyId": f"ASIA{task.task_id[:16].upper()}",
        "SecretAccessKey": task.task_id,
        "Token": f"task-{task.task_id}",
        "Expiration": (now + CREDENTIALS_LIFE).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
