"""SSM sessions, which moto lacks: StartSession for a container of the task plane, as `make open` asks.

It answers with an address that nothing listens on: the session manager plugin and its protocol are not here.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

if TYPE_CHECKING:
    from local_cloud.ecs.plane import TaskPlane

_attached: list[TaskPlane] = []


def attach(plane: TaskPlane) -> None:
    """Answer sessions with the containers of this cloud."""
    _attached.append(plane)


def detach(plane: TaskPlane) -> None:
    """Answer them no more."""
    _attached.remove(plane)


def start_session(response: Any) -> str:
    """Answer StartSession for ``ecs:CLUSTER_TASK_RUNTIME``, where the task runs with ECS Exec."""
    target = str(response._get_param("Target"))
    if not any(_name(task, container) == target for task, container in _connected()):
        raise SSMException("TargetNotConnected", f"{target} is not connected.")
    session = f"local-{uuid.uuid4().hex}"
    stream = f"wss://ssmmessages.invalid/v1/data-channel/{session}"
    return json.dumps({"SessionId": session, "TokenValue": "local", "StreamUrl": stream})


def _connected() -> Any:
    return (
        (task, container)
        for plane in _attached
        for task in plane.tasks()
        if task.execute_command and task.last_status == "RUNNING"
        for container in task.containers
        if container.last_status == "RUNNING"
    )


def _name(task: Any, container: Any) -> str:
    return f"ecs:{task.cluster_name}_{task.task_id}_{container.runtime_id}"


def install() -> None:
    """Add it to moto."""
    SimpleSystemManagerResponse.start_session = start_session
