"""What the scheduler does next for one service. Pure: tasks and bounds in, launches and stops out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_cloud.ecs.lifecycle import RANK, RUNNING, STOPPED
from local_cloud.ecs.records import evolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local_cloud.ecs.records import Task


@dataclass(frozen=True)
class Bounds:
    """How many tasks a service wants, must keep healthy, and may have at once."""

    desired: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class Plan:
    """How many tasks to launch, and which to stop because they are too many, or unhealthy."""

    launch: int
    surplus: tuple[Task, ...]
    unhealthy: tuple[Task, ...]


def is_wanted(task: Task) -> bool:
    """Whether nobody has stopped the task yet."""
    return task.desired_status != STOPPED


def takes_room(task: Task) -> bool:
    """Whether the task counts against the maximum: it is PENDING or RUNNING."""
    return RANK[task.last_status] <= RANK[RUNNING]


def is_running(task: Task) -> bool:
    """Whether the task is RUNNING, stopped by somebody or not."""
    return task.last_status == RUNNING


def is_healthy(task: Task) -> bool:
    """Whether the task runs and, if it has a health check, is healthy."""
    return is_wanted(task) and is_running(task) and task.health in (None, "HEALTHY")


def is_unhealthy(task: Task) -> bool:
    """Whether a health check of a wanted task has failed."""
    return is_wanted(task) and task.health == "UNHEALTHY"


def forgiven(task: Task, until: float, now: float) -> Task:
    """The task as the scheduler sees it: before `until`, a failed health check means nothing."""
    if task.health != "UNHEALTHY" or now >= until:
        return task
    containers = tuple(
        evolve(item, {"health": "UNKNOWN"}) if item.health == "UNHEALTHY" else item
        for item in task.containers
    )
    return evolve(task, {"containers": containers})


def plan(
    primary: Sequence[Task], others: Sequence[Task], bounds: Bounds, *, may_launch: bool, settled: bool
) -> Plan:
    """Compare what there is with what there should be.

    primary: tasks of the PRIMARY deployment. others: those of older ones. may_launch: false while the
    deployment waits or has failed. settled: whether the deployment is COMPLETED; then an unhealthy task is
    replaced before it is stopped, where the maximum leaves room for that.
    """
    mine = [task for task in primary if is_wanted(task) and not is_unhealthy(task)]
    unhealthy = [task for task in primary if is_unhealthy(task)]
    old = [task for task in others if is_wanted(task)]
    missing = max(bounds.desired - len(mine), 0)
    room = max(bounds.maximum - _count(takes_room(task) for task in (*primary, *others)), 0)
    launch = min(missing, room) if may_launch else 0

    too_many = _least_useful(mine)[: max(len(mine) - bounds.desired, 0)]
    healthy = [task for task in (*mine, *old) if is_healthy(task) and task not in too_many]
    # Only a deployment that has no room to start its tasks may go down to the minimum.
    floor = bounds.minimum if may_launch and launch < missing else bounds.desired
    useless = [task for task in old if not is_healthy(task)]
    spare = max(len(healthy) - floor, 0)
    replaced = sorted((task for task in old if is_healthy(task)), key=lambda task: task.created_at)[:spare]

    replaceable = settled and launch >= missing and len(healthy) < bounds.desired
    return Plan(launch, (*too_many, *useless, *replaced), () if replaceable else tuple(unhealthy))


def _least_useful(tasks: Iterable[Task]) -> list[Task]:
    """Tasks that are not healthy first, then the youngest."""
    return sorted(tasks, key=lambda task: (is_healthy(task), -task.created_at))


def _count(items: Iterable[bool]) -> int:
    return sum(1 for item in items if item)
