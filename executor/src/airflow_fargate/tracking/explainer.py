"""The last lines of a container that failed, fetched off the scheduler's thread."""

from __future__ import annotations

import logging
import queue
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from airflow_fargate.aws.logs import ContainerLogs
    from airflow_fargate.tasks.messages import Finish

log = logging.getLogger(__name__)

_LINES = 20
_IDLE_SECONDS = 0.2
LONGEST_WAIT = 10.0
"""Seconds that a failure waits for the container's last lines before it is told without them."""


class Explainer:
    """Holds back the end of a task until it has its log lines, or has waited long enough.

    Args:
        logs: the worker container's logs.
        clock: monotonic seconds.
    """

    def __init__(self, logs: ContainerLogs, clock: Callable[[], float]) -> None:
        self._logs = logs
        self._clock = clock
        self._asked: queue.SimpleQueue[Finish] = queue.SimpleQueue()
        self._explained: queue.SimpleQueue[Finish] = queue.SimpleQueue()
        # Key -> what is told without lines if need be, and since when it waits; in that order. Changed by the
        # scheduler's thread alone.
        self._waiting: dict[Hashable, tuple[Finish, float]] = {}

    def __iter__(self) -> Iterator[Hashable]:
        return iter(list(self._waiting))

    def ask(self, finish: Finish) -> None:
        """Have an end explained; called from the scheduler's thread, does no I/O."""
        self._waiting[finish.key] = (finish, self._clock())
        self._asked.put(finish)

    def note_known(self, key: Hashable) -> None:
        """Take note that Airflow has let go of a key: its reason alone is told."""
        if (waiting := self._waiting.get(key)) is not None:
            self._waiting[key] = (replace(waiting[0], is_known=True), waiting[1])

    def forget(self, key: Hashable) -> None:
        """Drop an end that nobody is to be told of any more."""
        self._waiting.pop(key, None)

    def done(self) -> list[Finish]:
        """Return the ends that are to be told now: with their lines, or after :data:`LONGEST_WAIT`."""
        notices = []
        while not self._explained.empty():
            finish = self._explained.get_nowait()
            if (waiting := self._waiting.pop(finish.key, None)) is not None:
                notices.append(replace(finish, is_known=waiting[0].is_known))
        late = self._clock() - LONGEST_WAIT
        while self._waiting:
            key, (finish, since) = next(iter(self._waiting.items()))
            if since > late:
                break
            del self._waiting[key]
            notices.append(finish)
        return notices

    def run_one(self) -> float:
        """Explain the next one; return the seconds to wait before the one after."""
        try:
            finish = self._asked.get_nowait()
        except queue.Empty:
            return _IDLE_SECONDS
        if finish.key not in self._waiting:
            return 0.0  # Told without lines, or forgotten: CloudWatch was slow.
        diagnosis = finish.verdict.diagnosis
        try:
            lines = self._logs.last_lines(diagnosis.arn, _LINES)
        except Exception as error:  # noqa: BLE001  a failure without its log is still to be told
            log.warning("No log lines of %s: %r", diagnosis.arn, error)
            lines = ()
        diagnosis = diagnosis.with_log(lines, self._logs.link(diagnosis.arn))
        self._explained.put(replace(finish, verdict=replace(finish.verdict, diagnosis=diagnosis)))
        return 0.0
