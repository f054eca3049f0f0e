"""What became of a launch that another scheduler queued: asked before anything else is done about it."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from threading import Lock
from typing import TYPE_CHECKING

from airflow_fargate.aws.ecs_task import RUNNING, EcsTask
from airflow_fargate.standby import protocol
from airflow_fargate.tasks.messages import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_fargate.standby.store import Objects
    from airflow_fargate.tasks.messages import Message

log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.5
_PAUSE_SECONDS = 5.0
_PATIENCE_SECONDS = 600.0
"""How long a fate is asked for; as long as a launch waits for S3 anyway."""
_REMEMBERED = 100_000


class Fates:
    """Settles the fates of adopted launches that have no ARN.

    Args:
        objects: the protocol's objects.
        search: looks for a launch in ECS, as if there were no standbys.
        clock: monotonic seconds.
        post: takes a message for the registry.
        is_on: whether standbys are in use; if not, fates are only read.
    """

    def __init__(
        self,
        objects: Objects,
        search: Callable[[Sequence[str], Sequence[str]], None],
        clock: Callable[[], float],
        post: Callable[[Message], None],
        *,
        is_on: bool,
    ) -> None:
        self._objects, self._search = objects, search
        self._clock, self._post, self._is_on = clock, post, is_on
        # Launch id, whether it is about to be launched, when it was first asked for.
        self._asked: deque[tuple[str, bool, float]] = deque()
        self._paused_until = float("-inf")
        # Launch id -> whether no standby has it. False: it is being settled, or a standby has it.
        self._settled: OrderedDict[str, bool] = OrderedDict()
        self._lock = Lock()

    def ask(self, launches: Sequence[tuple[str, bool]]) -> None:
        """Settle these and search for those that no standby has. Does no I/O.

        Args:
            launches: launch ids, and whether each is to be launched if it is found nowhere.
        """
        search, now = [], self._clock()
        with self._lock:
            for launch_id, queued in launches:
                settled = self._settled.get(launch_id)
                if settled is None:
                    self._settled[launch_id] = False
                    self._asked.append((launch_id, queued, now))
                elif settled:
                    search.append(launch_id)
            while len(self._settled) > _REMEMBERED:
                self._settled.popitem(last=False)
        if search:
            self._search([], search)

    def run_one(self) -> float:
        """Settle the next one; return the seconds to wait before the one after."""
        with self._lock:
            if not self._asked or (wait := self._paused_until - self._clock()) > 0:
                return _IDLE_SECONDS if not self._asked else wait
            launch_id, queued, asked_at = self._asked.popleft()
        try:
            arn = self._objects.do(protocol.settle(launch_id, fence=queued and self._is_on))
        except Exception as error:
            # A standby may have it, so nothing is launched while S3 does not answer.
            if self._clock() - asked_at < _PATIENCE_SECONDS:
                with self._lock:
                    self._asked.append((launch_id, queued, asked_at))
                    self._paused_until = self._clock() + _PAUSE_SECONDS
                raise
            log.warning(
                "Whether a standby has %s is not known: %r. It is searched for in ECS.", launch_id, error
            )
            arn = ""
        if arn:
            self._post(Accepted(launch_id, EcsTask(arn, RUNNING)))
            return 0.0
        with self._lock:
            self._settled[launch_id] = True
        self._search([], [launch_id])
        return 0.0
