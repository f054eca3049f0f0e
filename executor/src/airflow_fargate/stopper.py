"""StopTask, off the scheduler's thread, repeated until AWS has taken it."""

from __future__ import annotations

import logging
import queue
from typing import TYPE_CHECKING

from airflow_fargate.failures import LaunchErrorKind, classify_error

if TYPE_CHECKING:
    from airflow_fargate.ecs import ClientSource

log = logging.getLogger(__name__)

_TRIES = 8
_IDLE_SECONDS = 0.5
_AFTER_REFUSAL_SECONDS = 2.0
MAX_REASON = 255


class Stopper:
    """Stops tasks.

    Args:
        clients: where the ECS client comes from.
        cluster: its name or ARN.
    """

    def __init__(self, clients: ClientSource, cluster: str) -> None:
        self._clients = clients
        self._cluster = cluster
        self._asked: queue.SimpleQueue[tuple[str, str, int]] = queue.SimpleQueue()

    def ask(self, arn: str, reason: str) -> None:
        """Have a task stopped; called from the scheduler's thread, does no I/O."""
        self._asked.put((arn, reason[:MAX_REASON], 1))

    def run_one(self) -> float:
        """Stop the next task; return the seconds to wait before the one after."""
        try:
            arn, reason, number = self._asked.get_nowait()
        except queue.Empty:
            return _IDLE_SECONDS
        try:
            self._clients("ecs").stop_task(cluster=self._cluster, task=arn, reason=reason)
        except Exception as error:  # noqa: BLE001  boto3, urllib3 and credential providers raise their own
            body = getattr(error, "response", None) or {}
            status = (body.get("ResponseMetadata") or {}).get("HTTPStatusCode")
            refusal = classify_error(error, status, body)
            if refusal.kind is LaunchErrorKind.PERMANENT or number >= _TRIES:
                # Not found: it has stopped, and its record has expired. Whatever else: the reaper finds it.
                log.warning("Task %s was not stopped (%s): %s", arn, reason, refusal.sentence)
                return 0.0
            self._asked.put((arn, reason, number + 1))
            return _AFTER_REFUSAL_SECONDS
        log.info("Stopped %s: %s", arn, reason)
        return 0.0
