"""Every correction of moto, installed at once."""

from __future__ import annotations

from local_cloud.moto_gaps import (
    autoscaling,
    behaviour,
    cloud_map,
    event_patterns,
    queues,
    rds,
    sessions,
    task_definitions,
)


def install() -> None:
    """Replace what moto does differently from AWS; once per process."""
    for correction in (
        behaviour,
        autoscaling,
        cloud_map,
        event_patterns,
        queues,
        rds,
        sessions,
        task_definitions,
    ):
        correction.install()
