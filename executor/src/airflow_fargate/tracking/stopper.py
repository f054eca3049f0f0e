"""Calls StopTask off the scheduler's thread, and retries until AWS accepts it."""

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
        clients: returns the ECS client.
        cluster: its name or ARN. If the setting was changed, a task's ARN names the previous cluster.
        may_act: returns whether this scheduler's loop still runs
            (:class:`~airflow_fargate.fleet.lease.Lease`).
    """

    def __init__(
        self, clients: ClientSource, cluster: str, may_act: Callable[[], bool] = lambda: True
    ) -> None:
        self._clients = clients
        self._cluster = cluster
        self._may_act = may_act
        # ARN -> reason and tries. Every event that shows the task alive asks for the stop again.
        self._asked: dict[str, tuple[str, int]] = {}
        self._lock = Lock()

    def ask(self, arn: str, reason: str) -> None:
        """Request the stop of a task. Called from the scheduler's thread; does no I/O."""
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
                # If it was not found, it has stopped and its record has expired. Otherwise `reap` finds it.
                log.warning("Task %s was not stopped (%s): %s", arn, reason, refusal.sentence)
                return 0.0
            with self._lock:
                self._asked[arn] = (reason, number + 1)
            return _AFTER_REFUSAL_SECONDS
        log.info("Stopped %s: %s", arn, reason)
        return 0.0
