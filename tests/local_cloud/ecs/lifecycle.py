"""The life of a task: the table of its states, and the one function that changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.records import evolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.ecs.records import Container, Task

PROVISIONING = "PROVISIONING"
PENDING = "PENDING"
ACTIVATING = "ACTIVATING"
RUNNING = "RUNNING"
DEACTIVATING = "DEACTIVATING"
STOPPING = "STOPPING"
DEPROVISIONING = "DEPROVISIONING"
STOPPED = "STOPPED"

# A task that never ran leaves PROVISIONING or PENDING for DEPROVISIONING directly.
NEXT: dict[str, tuple[str, ...]] = {
    PROVISIONING: (PENDING, DEPROVISIONING),
    PENDING: (ACTIVATING, STOPPING, DEPROVISIONING),
    ACTIVATING: (RUNNING, DEACTIVATING),
    RUNNING: (DEACTIVATING,),
    DEACTIVATING: (STOPPING,),
    STOPPING: (DEPROVISIONING,),
    DEPROVISIONING: (STOPPED,),
    STOPPED: (),
}
RANK = {status: rank for rank, status in enumerate(NEXT)}

# The timestamp a task takes on entering a state, if it does not have it yet.
STAMPED_ON_ENTRY = {
    RUNNING: "started_at",
    DEACTIVATING: "stopping_at",
    STOPPING: "stopping_at",
    DEPROVISIONING: "execution_stopped_at",
    STOPPED: "stopped_at",
}


class IllegalTransition(Exception):  # noqa: N818 - named for what was tried
    """A state was asked for that does not follow from the task's present one."""


@dataclass(frozen=True)
class ContainerChange:
    """What changed of one container; None leaves a field as it is."""

    name: str
    last_status: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    runtime_id: str | None = None
    image_digest: str | None = None
    health: str | None = None


@dataclass(frozen=True)
class Change:
    """What changed of a task. One change is one version and one event.

    `stamps` names timeline fields (for instance `pull_started_at`) set to the time of the change.
    `stop_code` and `stopped_reason` say why it ends; the first cause stays. `facts` sets further fields
    (connectivity, interface, interface_status).
    """

    status: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    containers: tuple[ContainerChange, ...] = ()
    stamps: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def apply(task: Task, change: Change, at: float) -> Task:
    """The task after the change, one version on; the same object when the change is stale or repeated.

    Raises IllegalTransition when the table has no such step.
    """
    if task.last_status == STOPPED:
        return task
    updates = {**_entry(task, change, at), **_cause(task, change, at)}
    for stamp in change.stamps:
        if getattr(task, stamp) is None:
            updates[stamp] = at
    updates.update({name: value for name, value in change.facts.items() if getattr(task, name) != value})
    containers = _changed(task.containers, change.containers)
    if containers != task.containers:
        updates["containers"] = containers
    if not updates:
        return task
    return evolve(task, {**updates, "version": task.version + 1})


def _entry(task: Task, change: Change, at: float) -> dict[str, Any]:
    """What entering the change's state sets; nothing when the task is there already or further on."""
    status = change.status
    if status is None or RANK[status] <= RANK[task.last_status]:
        return {}
    if status not in NEXT[task.last_status]:
        raise IllegalTransition(f"{task.arn}: {task.last_status} cannot become {status}")
    updates: dict[str, Any] = {"last_status": status}
    stamp = STAMPED_ON_ENTRY.get(status)
    if stamp is not None and getattr(task, stamp) is None:
        updates[stamp] = at
    if RANK[status] > RANK[RUNNING]:
        updates["desired_status"] = STOPPED
    return updates


def _cause(task: Task, change: Change, at: float) -> dict[str, Any]:
    """Why the task ends, unless that is known already."""
    if task.stop_code is not None or not (change.stop_code or change.stopped_reason):
        return {}
    return {
        "stop_code": change.stop_code,
        "stopped_reason": change.stopped_reason,
        "desired_status": STOPPED,
        "stopping_at": at if task.stopping_at is None else task.stopping_at,
    }


def way_down(status: str) -> tuple[str, ...]:
    """The states from `status` (not included) to DEPROVISIONING (included); empty from there on."""
    if RANK[status] <= RANK[PENDING]:
        return (DEPROVISIONING,)
    return tuple(
        later for later in NEXT if RANK[status] < RANK[later] and RANK[RUNNING] < RANK[later] < RANK[STOPPED]
    )


def _changed(
    containers: tuple[Container, ...], changes: tuple[ContainerChange, ...]
) -> tuple[Container, ...]:
    if not changes:
        return containers
    by_name = {change.name: change for change in changes}
    return tuple(
        _changed_one(container, by_name[container.name]) if container.name in by_name else container
        for container in containers
    )


def _changed_one(container: Container, change: ContainerChange) -> Container:
    updates = {
        name: value
        for name in ("last_status", "exit_code", "reason", "runtime_id", "image_digest", "health")
        if (value := getattr(change, name)) is not None
    }
    return evolve(container, updates)
