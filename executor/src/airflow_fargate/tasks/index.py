"""Finds tracked tasks by launch id, key, ARN, task instance, and time of the last message. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow_fargate.tasks.states import TrackedTask

URGENT = float("-inf")
"""A time of last message that makes a task stale at once."""

_REMEMBERED = 10_000
"""ARNs of ended tasks to keep (about 2 MB), to recognise late and repeated events."""


class TaskIndex:
    """The tracked tasks, indexed. Only :class:`~airflow_fargate.tasks.registry.Registry` changes it.

    Other threads may read the dictionaries, which a single operation changes at a time.
    """

    def __init__(self) -> None:
        self.by_launch: dict[str, TrackedTask] = {}
        self.by_key: dict[Hashable, TrackedTask] = {}
        self.by_arn: dict[str, TrackedTask] = {}
        # The latest try of each task instance.
        self.by_subject: dict[Hashable, TrackedTask] = {}
        # Launch ids, least recently touched first.
        self._touched: OrderedDict[str, None] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def find(self, arn: str, launch_id: str) -> TrackedTask | None:
        """Return the task with this ARN, else the one with this launch id, else None."""
        return self.by_arn.get(arn) or self.by_launch.get(launch_id)

    def has_ended(self, arn: str) -> bool:
        """Return whether this is the ARN of a task that ended recently."""
        return arn in self._ended

    def add(self, task: TrackedTask, now: float) -> None:
        """Add a task that was last touched at ``now``."""
        self.by_launch[task.launch_id] = task
        self.by_key[task.key] = task
        self.by_subject[task.subject] = task
        if task.arn:
            self.by_arn[task.arn] = task
        self.touch(task, now)

    def remove(self, task: TrackedTask, *, ended: bool = True) -> None:
        """Remove a task, and remember its ARNs if it has ended.

        Its key, and its task instance, may belong to a later task by now, which stays.
        """
        if self.by_launch.get(task.launch_id) is task:
            del self.by_launch[task.launch_id]
            self._touched.pop(task.launch_id, None)
        self.by_arn.pop(task.arn, None)
        for arn in filter(None, (task.arn, *task.earlier_arns)) if ended else ():
            self._ended[arn] = None
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        if self.by_key.get(task.key) is task:
            del self.by_key[task.key]
        if self.by_subject.get(task.subject) is task:
            del self.by_subject[task.subject]

    def set_arn(self, task: TrackedTask, arn: str, launch_id: str) -> None:
        """Record a task's ARN, and the launch id of a task that was adopted by its ARN alone."""
        task.arn = arn
        self.by_arn[arn] = task
        if launch_id and launch_id != task.launch_id:
            del self.by_launch[task.launch_id]
            self._touched.pop(task.launch_id, None)
            task.launch_id = launch_id
            self.by_launch[launch_id] = task

    def drop_arn(self, task: TrackedTask) -> None:
        """Make the ARN of a task whose container stopped before it ran an earlier one."""
        del self.by_arn[task.arn]
        task.earlier_arns += (task.arn,)
        task.arn, task.version = "", 0

    def touch(self, task: TrackedTask, now: float) -> None:
        """Record the time of a task's last message; :data:`URGENT` makes it stale at once."""
        task.touched_at = now
        self._touched[task.launch_id] = None
        self._touched.move_to_end(task.launch_id, last=now != URGENT)

    def least_recent(self) -> TrackedTask | None:
        """Return the task that was touched longest ago, or None."""
        launch_id = next(iter(self._touched), None)
        return None if launch_id is None else self.by_launch[launch_id]
