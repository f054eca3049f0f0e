"""Searches for many launches at once: lists the cluster's tasks and matches their ``startedBy``.

Searching for one launch takes two or three calls, so a scheduler that adopts a thousand unrecorded launches
would search for minutes. One page of the list and its description take two calls for a hundred tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.aws import ecs
from airflow_fargate.aws.ecs import DESCRIBE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_fargate.aws.ecs_task import EcsTask

WORTH_IT = 20
"""From this many launches on, the cluster is listed; fewer are searched for one by one."""
CALLS_PER_STEP = 2
_STATUSES = ("RUNNING", "STOPPED")


class Sweep:
    """One listing of a cluster, running tasks first.

    It gives up after reading half as many pages as there are launches: the cluster then has so many other
    tasks that searching for each launch is cheaper.

    Args:
        cluster: its name or ARN.
        wanted: the startedBy of each launch.
    """

    def __init__(self, cluster: str, wanted: Iterable[str]) -> None:
        self._cluster = cluster
        self._left = set(wanted)
        self._pages_left = len(self._left) // 2
        self._statuses = list(_STATUSES)
        self._token = ""
        # If several stopped, the last one counts; which one that is, is known at the end of the list.
        self._stopped: dict[str, EcsTask] = {}

    @property
    def left(self) -> frozenset[str]:
        """The ``startedBy`` of the launches that are not found yet."""
        return frozenset(self._left)

    @property
    def done(self) -> bool:
        """Whether there is nothing more to read. If ``complete``, what is left is not in the cluster."""
        return self.complete or not self._left or self._pages_left <= 0

    @property
    def complete(self) -> bool:
        """Whether the whole list was read."""
        return not self._statuses

    def step(self, client: Any) -> list[EcsTask]:
        """Read one page and describe its tasks; return the launches found.

        Raises:
            Exception: what boto3 raises. The step can be repeated.
        """
        page = {"nextToken": self._token} if self._token else {}
        answer = client.list_tasks(
            cluster=self._cluster, desiredStatus=self._statuses[0], maxResults=DESCRIBE_LIMIT, **page
        )
        arns = list(answer.get("taskArns") or ())
        described, _ = ecs.describe_tasks(client, self._cluster, arns) if arns else ([], [])
        self._pages_left -= 1
        self._token = str(answer.get("nextToken") or "")
        wanted = [each for each in described if each.started_by in self._left]
        found = [each for each in wanted if not each.stopped]
        self._left -= {each.started_by for each in found}
        for each in wanted:
            before = self._stopped.get(each.started_by)
            if each.stopped and (before is None or _created(before) <= _created(each)):
                self._stopped[each.started_by] = each
        if not self._token:
            del self._statuses[0]
        if self.complete:
            last = [each for started_by, each in self._stopped.items() if started_by in self._left]
            self._left -= {each.started_by for each in last}
            found += last
        return found


def _created(ecs_task: EcsTask) -> float:
    return ecs_task.at("createdAt") or 0.0
