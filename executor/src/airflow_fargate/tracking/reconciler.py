"""Describes tasks that had no event for too long, and searches for tasks by launch id."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from airflow_fargate.aws import ecs
from airflow_fargate.aws.ecs import DESCRIBE_LIMIT
from airflow_fargate.aws.failures import is_throttling
from airflow_fargate.aws.rate_limiter import TokenBucket
from airflow_fargate.tasks.messages import Accepted, Message, Missing, NotFound, Seen
from airflow_fargate.tracking.sweep import CALLS_PER_STEP, WORTH_IT, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_fargate.aws.clients import ClientSource

log = logging.getLogger(__name__)

_CALLS_PER_MINUTE_WITH_EVENTS = 15
"""At fifteen, watching 10,000 tasks costs 0.5 % of a core (docs/benchmarks.md, "Running tasks")."""
PAUSE_WITH_EVENTS = 60.0 / _CALLS_PER_MINUTE_WITH_EVENTS
"""Seconds between calls if there are events."""
_CALLS_PER_MINUTE_ALONE = 600
"""Half of AWS's refill rate for DescribeTasks and ListTasks, 20 a second."""
_RATE, _BURST = 10.0, 50
_IDLE_SECONDS = 1.0
_BLIND_SECONDS = 15.0
"""How long a new task may be missing from ListTasks: "not found" counts only after this."""


def interval(configured: float, tasks: int, *, events: bool) -> float:
    """Return the seconds without a message after which a task is described.

    With few tasks, this is the configured value. With many, it is the time to describe them all within a
    fixed number of calls a minute, so that the cost does not grow with the number of running tasks.
    """
    calls = -(-tasks // DESCRIBE_LIMIT)
    per_minute = _CALLS_PER_MINUTE_WITH_EVENTS if events else _CALLS_PER_MINUTE_ALONE
    return max(configured, calls * 60.0 / per_minute)


class Reconciler:
    """Describes tasks, a hundred at a time, and searches for launches.

    Args:
        clients: returns the ECS client.
        cluster: its name or ARN.
        started_by: returns the ``startedBy`` of a launch id.
        clock: monotonic seconds.
        post: takes a message for the registry.
    """

    def __init__(
        self,
        clients: ClientSource,
        cluster: str,
        started_by: Callable[[str], str],
        clock: Callable[[], float],
        post: Callable[[Message], None],
    ) -> None:
        self._clients = clients
        self._cluster = cluster
        self._started_by = started_by
        self._clock = clock
        self._post = post
        self._bucket = TokenBucket(_RATE, _BURST, clock())
        # A set, because the same tasks are requested again and again while calls fail.
        self._arns: dict[str, None] = {}
        # Launch id -> when its search was first requested.
        self._sought: dict[str, float] = {}
        self._lock = Lock()
        # Launch ids not found yet, with the time of their next search, earliest first.
        self._unseen: deque[tuple[float, str, float]] = deque()
        # What the sweep searches for: startedBy -> launch id and when its search was first requested.
        self._sweep: Sweep | None = None
        self._swept: dict[str, tuple[str, float]] = {}
        self._sweep_began = 0.0
        # What a sweep did not reach; searched for one by one.
        self._single: deque[tuple[str, float]] = deque()

    def ask(self, arns: Sequence[str], launch_ids: Sequence[str] = ()) -> None:
        """Request tasks by ARN and launches by id. Called from the scheduler's thread; does no I/O."""
        now = self._clock()
        with self._lock:
            self._arns.update(dict.fromkeys(arns))
            for launch_id in launch_ids:
                self._sought.setdefault(launch_id, now)

    def run_one(self) -> float:
        """Make the next call; return the seconds to wait before the next one.

        Raises:
            Exception: what boto3 raises. The tasks are requested again later.
        """
        if (wait := self._bucket.wait(self._clock())) > 0:
            return wait
        if arns := self._next_arns():
            self._bucket.take(self._clock())
            self._describe(arns)
            return 0.0
        while self._unseen and self._unseen[0][0] <= self._clock():
            _, launch_id, asked_at = self._unseen.popleft()
            self._seek(launch_id, asked_at)
        if self._sweep is None and len(self._sought) >= WORTH_IT:
            self._begin_sweep()
        if self._sweep is not None:
            for _ in range(CALLS_PER_STEP):
                self._bucket.take(self._clock())
            self._go_on(self._sweep)
            return 0.0
        self._single.extend(self._take_sought(1))
        if self._single:
            self._bucket.take(self._clock())
            self._bucket.take(self._clock())  # A search takes two or three calls.
            self._search(*self._single.popleft())
            return 0.0
        return _IDLE_SECONDS

    def _next_arns(self) -> list[str]:
        """Return the ARNs of the next call, all of one cluster even if the setting was changed."""
        with self._lock:
            if not self._arns:
                return []
            cluster = self._cluster_of(next(iter(self._arns)))
            same = (arn for arn in self._arns if self._cluster_of(arn) == cluster)
            arns = list(itertools.islice(same, DESCRIBE_LIMIT))
            for arn in arns:
                del self._arns[arn]
            return arns

    def _cluster_of(self, arn: str) -> str:
        return ecs.cluster_of(arn, self._cluster)

    def _seek(self, launch_id: str, asked_at: float) -> None:
        with self._lock:
            self._sought[launch_id] = asked_at

    def _take_sought(self, limit: int) -> list[tuple[str, float]]:
        with self._lock:
            taken = list(itertools.islice(self._sought.items(), limit))
            for launch_id, _ in taken:
                del self._sought[launch_id]
            return taken

    def _begin_sweep(self) -> None:
        sought = self._take_sought(len(self._sought))
        self._swept = {self._started_by(launch_id): (launch_id, asked) for launch_id, asked in sought}
        self._sweep, self._sweep_began = Sweep(self._cluster, self._swept), self._clock()

    def _go_on(self, sweep: Sweep) -> None:
        """Read the next page of a sweep."""
        try:
            found = sweep.step(self._clients("ecs"))
        except Exception:
            # A list whose token has expired cannot be continued; start again.
            self._sweep = None
            for started_by in sorted(sweep.left):
                self._seek(*self._swept[started_by])
            raise
        for ecs_task in found:
            self._post(Accepted(self._swept[ecs_task.started_by][0], ecs_task))
        if not sweep.done:
            return
        self._sweep = None
        for launch_id, asked_at in (self._swept[each] for each in sorted(sweep.left)):
            if sweep.complete:
                self._not_found(launch_id, asked_at, looked_at=self._sweep_began)
            else:
                self._single.append((launch_id, asked_at))

    def _search(self, launch_id: str, asked_at: float) -> None:
        now = self._clock()
        found = ecs.find_by_launch_id(self._clients("ecs"), self._cluster, self._started_by(launch_id))
        if found is not None:
            self._post(Accepted(launch_id, found))
        else:
            self._not_found(launch_id, asked_at, looked_at=now)

    def _not_found(self, launch_id: str, asked_at: float, *, looked_at: float) -> None:
        if looked_at - asked_at < _BLIND_SECONDS:
            # The previous scheduler may have launched it just before it ended.
            self._unseen.append((self._clock() + _BLIND_SECONDS, launch_id, asked_at))
        else:
            self._post(NotFound(launch_id))

    def _describe(self, arns: list[str]) -> None:
        cluster = self._cluster_of(arns[0])
        try:
            found, missing = ecs.describe_tasks(self._clients("ecs"), cluster, arns)
        except Exception as error:
            code = ((getattr(error, "response", None) or {}).get("Error") or {}).get("Code")
            if code == "ClusterNotFoundException" and cluster != self._cluster:
                # The previous cluster was deleted, and its tasks with it.
                found, missing = [], arns
            elif code != "InvalidParameterException" or is_throttling("", str(error)):
                raise
            else:
                self._isolate(arns, error)
                return
        for ecs_task in found:
            self._post(Seen(ecs_task, described=True))
        for arn in missing:
            self._post(Missing(arn))

    def _isolate(self, arns: list[str], error: Exception) -> None:
        """Find the one invalid ARN that makes the whole call fail, by halving the list."""
        if len(arns) == 1:
            log.warning("ECS rejects %r as a task: %s", arns[0], error)
            self._post(Missing(arns[0]))
            return
        middle = len(arns) // 2
        self._describe(arns[:middle])
        self._describe(arns[middle:])
