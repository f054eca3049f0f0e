"""Fetches the last log lines of failed containers, off the scheduler's thread."""

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
"""Seconds that the report of a failure waits for the container's last lines."""


class Explainer:
    """Holds back the report of an end until it has its log lines, or has waited long enough.

    Args:
        logs: the worker container's logs.
        clock: monotonic seconds.
    """

    def __init__(self, logs: ContainerLogs, clock: Callable[[], float]) -> None:
        self._logs = logs
        self._clock = clock
        self._asked: queue.SimpleQueue[Finish] = queue.SimpleQueue()
        self._explained: queue.SimpleQueue[Finish] = queue.SimpleQueue()
        # Key -> the report without lines, and since when it waits, oldest first. Only the scheduler's thread
        # changes it.
        self._waiting: dict[Hashable, tuple[Finish, float]] = {}

    def __iter__(self) -> Iterator[Hashable]:
        return iter(list(self._waiting))

    def ask(self, finish: Finish) -> None:
        """Request the log lines for an end. Called from the scheduler's thread; does no I/O."""
        self._waiting[finish.key] = (finish, self._clock())
        self._asked.put(finish)

    def note_known(self, key: Hashable) -> None:
        """Note that Airflow itself ended this key, so that only the reason is reported."""
        if (waiting := self._waiting.get(key)) is not None:
            self._waiting[key] = (replace(waiting[0], is_known=True), waiting[1])

    def forget(self, key: Hashable) -> None:
        """Drop an end that is no longer reported."""
        self._waiting.pop(key, None)

    def done(self) -> list[Finish]:
        """Return the ends to report now: with their lines, or without after :data:`LONGEST_WAIT`."""
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
        """Fetch the next log lines; return the seconds to wait before the next call."""
        try:
            finish = self._asked.get_nowait()
        except queue.Empty:
            return _IDLE_SECONDS
        if finish.key not in self._waiting:
            return 0.0  # Already reported without lines because CloudWatch was slow, or dropped.
        diagnosis = finish.verdict.diagnosis
        try:
            lines = self._logs.last_lines(diagnosis.arn, _LINES)
        except Exception as error:  # noqa: BLE001  a failure is reported even without its log
            log.warning("Could not read the log of %s: %r", diagnosis.arn, error)
            lines = ()
        diagnosis = diagnosis.with_log(lines, self._logs.link(diagnosis.arn))
        self._explained.put(replace(finish, verdict=replace(finish.verdict, diagnosis=diagnosis)))
        return 0.0
