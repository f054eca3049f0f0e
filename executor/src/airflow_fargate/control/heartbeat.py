"""The heartbeat file: touched at each heartbeat of the component's job, so that a health check costs nothing.

`airflow jobs check` imports Airflow and asks the database: more than four CPU seconds each time, and while a
database fails over, every component looks dead. The file's age tells the same for nothing.

This is an Airflow plugin and not an Airflow listener: where any listener is registered, Airflow rejects
DAGs whose tasks have `end_from_trigger=True`. So it listens to SQLAlchemy, which reports when the
row of a job was updated. Without `AIRFLOW_FARGATE_HEARTBEAT_FILE` the plugin does nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_fargate.control.alive import FILE_VARIABLE


class HeartbeatPlugin(AirflowPlugin):
    """Touch the heartbeat file whenever this process's job has recorded a heartbeat."""

    name = "airflow_fargate_heartbeat"

    @classmethod
    def on_load(cls, *_args: Any, **_options: Any) -> None:
        """Begin to listen; Airflow calls this when its first job is made, before the first heartbeat."""
        if path := os.environ.get(FILE_VARIABLE):
            touch_at_heartbeats(Path(path))


def touch_at_heartbeats(path: Path) -> None:
    """Touch a file after each update of a job's row: heartbeats are what updates it."""
    from airflow.jobs.job import Job  # noqa: PLC0415  imports this plugin while it is being imported itself
    from sqlalchemy import event  # noqa: PLC0415  comes with Airflow

    def touch(_mapper: Any, _connection: Any, _job: Any) -> None:
        # A full disk is no reason to end a heartbeat; the health check notices the file's age.
        with suppress(OSError):
            path.touch()

    event.listen(Job, "after_update", touch)
