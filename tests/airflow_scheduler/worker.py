"""A task's worker, which calls Airflow's own execution API in this process."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

PID = 7


@cache
def _operations() -> Any:
    from airflow.sdk.api.client import Client  # noqa: PLC0415  needs Airflow's configuration
    from airflow.sdk.execution_time.supervisor import in_process_api_server  # noqa: PLC0415  the same

    client = Client(base_url=None, token="", dry_run=True, transport=in_process_api_server().transport)
    client.base_url = "http://in-process/"
    return client.task_instances


def now() -> dt.datetime:
    """Return the machine's time, which Airflow uses."""
    return dt.datetime.now(tz=dt.timezone.utc)


class Worker:
    """The worker of one container.

    Args:
        task_instance_id: the ID from the workload.
    """

    def __init__(self, task_instance_id: UUID) -> None:
        self._id = task_instance_id

    def starts(self) -> None:
        """Set the task running."""
        _operations().start(self._id, PID, now())

    def heartbeats(self) -> None:
        """Send a heartbeat.

        Raises:
            ServerResponseError: Airflow wants the task to end.
        """
        _operations().heartbeat(self._id, PID)

    def succeeds(self) -> None:
        """Set the task to success."""
        _operations().succeed(self._id, now(), [], [], None)

    def fails(self) -> None:
        """Set the task to failed, without a retry."""
        _operations().finish(self._id, "failed", now(), None)

    def reschedules(self, due: dt.datetime) -> None:
        """Reschedule a sensor."""
        from airflow.sdk.execution_time.comms import RescheduleTask  # noqa: PLC0415  needs Airflow

        _operations().reschedule(
            self._id, RescheduleTask(state="up_for_reschedule", reschedule_date=due, end_date=now())
        )

    def defers(self) -> None:
        """Defer the task to the triggerer."""
        from airflow.sdk.execution_time.comms import DeferTask  # noqa: PLC0415  needs Airflow

        classpath = "airflow.providers.standard.triggers.temporal.DateTimeTrigger"
        moment = {"moment": now().isoformat()}
        deferred = DeferTask(
            state="deferred",
            classpath=classpath,
            trigger_kwargs=moment,
            next_method="execute_complete",
            next_kwargs={},
        )
        _operations().defer(self._id, deferred)


def trigger_fires(trigger_id: int) -> None:
    """Schedule a deferred task again, as the triggerer does when a trigger fires."""
    from airflow.models.trigger import Trigger  # noqa: PLC0415  needs Airflow's database
    from airflow.triggers.base import TriggerEvent  # noqa: PLC0415  the same

    Trigger.submit_event(trigger_id, TriggerEvent("now"))
