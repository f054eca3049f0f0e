"""The table of tasks: what the API still shows, what was ever launched, and ListTasks' pages."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.lifecycle import STOPPED
from local_cloud.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from local_cloud.ecs.records import Task

PAGE = 100


class TaskTable:
    """Tasks by ARN, in the order of their launch. Not safe by itself: the plane holds the lock."""

    def __init__(self, history: int) -> None:
        self._tasks: dict[str, Task] = {}
        # Bounded, so that days of simulated tasks do not fill the memory.
        self._forgotten: deque[Task] = deque(maxlen=history)
        self._number: dict[str, int] = {}
        self._numbers = itertools.count(1)
        # One entry per startedBy, since adoption asks for each launch id among ten thousand tasks.
        self._started_by: dict[str, dict[str, None]] = {}

    def get(self, arn: str) -> Task | None:
        """The task the API shows, or None."""
        return self._tasks.get(arn)

    def __getitem__(self, arn: str) -> Task:
        return self._tasks[arn]

    def put(self, task: Task) -> None:
        """Add a task, or replace its record by a newer one."""
        if task.arn not in self._number:
            self._number[task.arn] = next(self._numbers)
            if task.started_by:
                self._started_by.setdefault(task.started_by, {})[task.arn] = None
        self._tasks[task.arn] = task

    def forget(self, arn: str) -> Task | None:
        """The API no longer shows this task; the history keeps it. Returns its record."""
        task = self._tasks.pop(arn, None)
        if task is None:
            return None
        self._forgotten.append(task)
        del self._number[arn]
        if task.started_by:
            others = self._started_by[task.started_by]
            del others[arn]
            if not others:
                del self._started_by[task.started_by]
        return task

    def started_by(self, name: str) -> tuple[Task, ...]:
        """The tasks with that `startedBy`, in the order of their launch."""
        return tuple(self._tasks[arn] for arn in self._started_by.get(name, ()))

    def history(self) -> tuple[Task, ...]:
        """Every task ever put, but for the oldest of very many."""
        return (*self._forgotten, *self._tasks.values())

    def living(self) -> tuple[Task, ...]:
        """Tasks that have not stopped."""
        return tuple(task for task in self._tasks.values() if task.last_status != STOPPED)

    def page(
        self, cluster_arn: str, parameters: Mapping[str, Any], seen: Callable[[Task], bool]
    ) -> tuple[list[str], str | None]:
        """One page of ListTasks: ARNs and the token of the next page; raises AwsError for bad filters."""
        limit = parameters.get("maxResults") or PAGE
        if not 1 <= limit <= PAGE:
            raise invalid(f"maxResults must be between 1 and {PAGE}.")
        after = _position(parameters.get("nextToken"))
        matches = (
            task
            for task in self._candidates(parameters)
            if self._number[task.arn] > after
            and task.cluster_arn == cluster_arn
            and _wanted(task, parameters)
            and seen(task)
        )
        arns = [task.arn for task in itertools.islice(matches, limit + 1)]
        if len(arns) <= limit:
            return arns, None
        return arns[:limit], str(self._number[arns[limit - 1]])

    def _candidates(self, parameters: Mapping[str, Any]) -> Iterable[Task]:
        started_by = parameters.get("startedBy")
        if not started_by:
            return self._tasks.values()
        others = ("family", "containerInstance", "serviceName", "launchType", "daemonName")
        if any(parameters.get(name) for name in others):
            raise invalid("startedBy must be the only filter.")
        return [self._tasks[arn] for arn in self._started_by.get(started_by, {})]


def _position(token: str | None) -> int:
    if not token:
        return 0
    if not token.isdecimal():
        raise invalid("Invalid token")
    return int(token)


def _wanted(task: Task, parameters: Mapping[str, Any]) -> bool:
    if task.desired_status != (parameters.get("desiredStatus") or "RUNNING"):
        return False
    if parameters.get("containerInstance"):
        return False
    service = parameters.get("serviceName")
    if service and task.group != f"service:{service.rsplit('/', 1)[-1]}":
        return False
    family, launch_type = parameters.get("family"), parameters.get("launchType")
    return (not family or task.family == family) and (not launch_type or task.launch_type == launch_type)
