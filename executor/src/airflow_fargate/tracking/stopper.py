"""StopTask, off the scheduler's thread, repeated until AWS has taken it."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from airflow_fargate.aws import ecs
from airflow_fargate.aws.failures import LaunchErrorKind, classify_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.aws.clients import ClientSource

log = logging.getLogger(__name__)

_TRIES = 8
_IDLE_SECONDS = 0.5
_AFTER_REFUSAL_SECONDS = 2.0
MAX_REASON = 255


class Stopper:
    """Stops tasks.

    Args:
        clients: where the ECS client comes from.
        cluster: its name or ARN; a task's own ARN names another one when the setting was changed.
        may_act: says whether this scheduler's loop still runs (:class:`~airflow_fargate.fleet.lease.Lease`).
    """

    def __init__(
        self, clients: ClientSource, cluster: str, may_act: Callable[[], bool] = lambda: True
    ) -> None:
        self._clients = clients
        self._cluster = cluster
        self._may_act = may_act
        # ARN -> reason and tries. A task is asked for again with every event that shows it alive.
        self._asked: dict[str, tuple[str, int]] = {}
        self._lock = Lock()

    def ask(self, arn: str, reason: str) -> None:
        """Have a task stopped; called from the scheduler's thread, does no I/O."""
        with self._lock:
            self._asked.setdefault(arn, (reason[:MAX_REASON], 1))

    def run_one(self) -> float:
        """Stop the next task; return the seconds to wait before the one after."""
        if not self._may_act():
            return _IDLE_SECONDS
        with self._lock:
            if not self._asked:
                return _IDLE_SECONDS
            arn = next(iter(self._asked))
            reason, number = self._asked.pop(arn)
        try:
            cluster = ecs.cluster_of(arn, self._cluster)
            self._clients("ecs").stop_task(cluster=cluster, task=arn, reason=reason)
        except Exception as error:  # noqa: BLE001  boto3, urllib3 and credential providers raise their own
            body = getattr(error, "response", None) or {}
            status = (body.get("ResponseMetadata") or {}).get("HTTPStatusCode")
            refusal = classify_error(error, status, body)
            if refusal.kind is LaunchErrorKind.PERMANENT or number >= _TRIES:
                # Not found: it has stopped, and its record has expired. Whatever else: the reaper finds it.
                log.warning("Task %s was not stopped (%s): %s", arn, reason, refusal.sentence)
                return 0.0
            with self._lock:
                self._asked[arn] = (reason, number + 1)
            return _AFTER_REFUSAL_SECONDS
        log.info("Stopped %s: %s", arn, reason)
        return 0.0
