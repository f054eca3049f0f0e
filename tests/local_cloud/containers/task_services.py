"""What a task needs of other AWS services before its container runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from local_cloud.containers.logs import LogStream
    from local_cloud.ecs.definitions import ContainerDefinition


class CannotStart(Exception):  # noqa: N818 - named for what is the case
    """The task fails to start; the message is its stoppedReason."""


class TaskServices(Protocol):
    """Secrets and log streams."""

    def secret(self, region: str, reference: str) -> str:
        """The value of a Secrets Manager secret or SSM parameter; raises CannotStart."""

    def open_log(self, region: str, container: ContainerDefinition, name: str) -> LogStream:
        """Create the stream of that name in the container's log group; raises CannotStart."""
