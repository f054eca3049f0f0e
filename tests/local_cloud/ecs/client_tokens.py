"""RunTask's client tokens: which launch each stands for, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_cloud.errors import AwsError

if TYPE_CHECKING:
    from local_cloud.ecs.records import Task
    from local_cloud.ecs.task_table import TaskTable

LIFE = 24 * 3600.0  # seconds; a token of a task that is no longer shown ends earlier


@dataclass(frozen=True)
class _Launch:
    fingerprint: bytes
    arns: tuple[str, ...]
    at: float


class ClientTokens:
    """Tokens by cluster. Not safe by itself: the plane holds the lock."""

    def __init__(self) -> None:
        self._launches: dict[tuple[str, str], _Launch] = {}

    def remember(self, token: str, fingerprint: bytes, tasks: list[Task], now: float) -> None:
        """From now on the token stands for these tasks, launched with these parameters."""
        arns = tuple(task.arn for task in tasks)
        self._launches[tasks[0].cluster_arn, token] = _Launch(fingerprint, arns, now)

    def find(
        self, cluster_arn: str, token: str, fingerprint: bytes, table: TaskTable, now: float
    ) -> list[Task]:
        """The tasks the token stands for; none when it is free. Raises AwsError for other parameters."""
        launch = self._launches.get((cluster_arn, token))
        if launch is None:
            return []
        tasks = [table.get(arn) for arn in launch.arns]
        if any(task is None for task in tasks) or now - launch.at > LIFE:
            del self._launches[cluster_arn, token]
            return []
        if launch.fingerprint != fingerprint:
            raise AwsError(
                "ConflictException",
                "The request could not be processed because of conflict in the current state of the "
                "resource: the clientToken was used with other parameters.",
                members={"resourceIds": list(launch.arns)},
            )
        return [task for task in tasks if task is not None]

    def forget(self, task: Task) -> None:
        """The task is no longer shown."""
        if task.client_token is not None:
            self._launches.pop((task.cluster_arn, task.client_token), None)
