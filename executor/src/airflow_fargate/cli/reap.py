"""``airflow fargate reap``: find containers without a task instance, callback or connection test."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from airflow_fargate.airflow_versions import owned_ids
from airflow_fargate.cli.containers import OwnContainer, duration, list_containers
from airflow_fargate.cli.findings import explain
from airflow_fargate.cli.printing import show
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse

_GRACE_SECONDS = 600.0
"""How long a standby may take to start and to stop. An older one has a task, and its tags were not set."""


def main(args: argparse.Namespace) -> int:
    """List the orphans, and stop them with ``--yes``; return 1 if one could not be stopped, else 0.

    The containers are listed before the database is read. In the other order, a task launched in between
    would be a container without a row, and would be stopped.
    """
    session, now = open_session(args), time.time()
    running = [own for own in list_containers(session, "RUNNING") if own.age(now) >= args.older_than]
    owned = owned_ids()
    idle = session.config.standby_idle_timeout + _GRACE_SECONDS
    orphans = [own for own in running if not _is_owned(own, owned) and not _waits(own, now, idle)]
    rows, records = [_row(own, now) for own in orphans], [own.record(now) for own in orphans]
    show(args.output, rows, records, long=("run",))
    if not orphans:
        sys.stderr.write(f"No orphans among {_count(running)} of {args.older_than} s or older.\n")
        return 0
    if not args.yes:
        sys.stderr.write(
            f"{_count(orphans)} of {len(running)} without a task instance. --yes stops what is listed.\n"
        )
        return 0
    failed = 0
    for own in orphans:
        try:
            session.clients("ecs").stop_task(
                cluster=session.config.cluster,
                task=own.ecs_task.arn,
                reason="airflow fargate reap: no task instance",
            )
        except Exception as error:  # noqa: BLE001  the others are still stopped
            failed += 1
            sys.stderr.write(f"{own.ecs_task.arn} was not stopped: {explain(error)}\n")
    sys.stderr.write(f"{_count(orphans[failed:])} stopped.\n")
    return 1 if failed else 0


def _count(found: list[OwnContainer]) -> str:
    return f"{len(found)} container{'' if len(found) == 1 else 's'}"


def _is_owned(own: OwnContainer, owned: set[str]) -> bool:
    return own.ecs_task.arn in owned or own.tag("launch-id") in owned


def _waits(own: OwnContainer, now: float, idle: float) -> bool:
    """Tell a standby that waits for a task: nobody owns it, and it exits by itself when its time is up."""
    return own.is_idle_standby and own.age(now) < idle


def _row(own: OwnContainer, now: float) -> dict[str, str]:
    return {
        "dag": own.dag,
        "task": own.task,
        "run": own.tag("run-id"),
        "try": own.tag("try-number"),
        "age": duration(own.age(now)),
        "id": own.ecs_task.arn.rpartition("/")[2],
    }
