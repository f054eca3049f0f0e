"""The last lines of a container that failed, fetched off the scheduler's thread."""

from __future__ import annotations

import logging
import queue
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from airflow_fargate.logs import ContainerLogs
    from airflow_fargate.verdict import Verdict

log = logging.getLogger(__name__)

_LINES = 20
_IDLE_SECONDS = 0.2


class Explainer:
    """Adds log lines to verdicts.

    Args:
        logs: the worker container's logs.
        post: takes the key and its verdict, with lines or, when they cannot be had, without.
    """

    def __init__(self, logs: ContainerLogs, post: Callable[[Hashable, Verdict], None]) -> None:
        self._logs = logs
        self._post = post
        self._asked: queue.SimpleQueue[tuple[Hashable, Verdict]] = queue.SimpleQueue()

    def ask(self, key: Hashable, verdict: Verdict) -> None:
        """Have a verdict explained; called from the scheduler's thread, does no I/O."""
        self._asked.put((key, verdict))

    def run_one(self) -> float:
        """Explain the next one; return the seconds to wait before the one after."""
        try:
            key, verdict = self._asked.get_nowait()
        except queue.Empty:
            return _IDLE_SECONDS
        try:
            lines = self._logs.last_lines(verdict.diagnosis.arn, _LINES)
        except Exception as error:  # noqa: BLE001  a failure without its log is still to be told
            log.warning("No log lines of %s: %r", verdict.diagnosis.arn, error)
            lines = ()
        told = verdict.diagnosis.with_log(lines, self._logs.link(verdict.diagnosis.arn))
        self._post(key, replace(verdict, diagnosis=told))
        return 0.0
