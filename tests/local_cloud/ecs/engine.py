"""What an engine is: the part that makes accepted tasks run, and says how they fare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from local_cloud.ecs.definitions import TaskDefinition
    from local_cloud.ecs.lifecycle import Change
    from local_cloud.ecs.records import Task


class Progress(Protocol):
    """The task plane as an engine sees it. Safe to call from any thread."""

    def progress(self, arn: str, change: Change) -> Task:
        """Note what happened to a task; returns the task as it is now. Stale changes are no-ops."""

    def task(self, arn: str) -> Task | None:
        """The task as it is now, or None once it has been forgotten."""


class Engine(Protocol):
    """Runs tasks. Its methods return at once; what happens later is told to the plane it is bound to."""

    def bind(self, plane: Progress) -> None:
        """Called once, before anything else."""

    def launch(self, task: Task, definition: TaskDefinition) -> None:
        """Bring an accepted task to life; `definition` has the overrides applied."""

    def stop(self, task: Task) -> None:
        """End a task whose desired status has become STOPPED; called once per task at most."""

    def kill(self, task: Task, container: str) -> None:
        """End one container as if its process had died: exit code 137."""

    def close(self) -> None:
        """End everything at once and leave nothing behind; returns when that is done."""
