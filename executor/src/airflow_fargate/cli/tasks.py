"""``airflow fargate tasks``: list the running containers."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from airflow_fargate.aws import prices
from airflow_fargate.cli.containers import OwnContainer, duration, list_containers
from airflow_fargate.cli.findings import explain
from airflow_fargate.cli.printing import show
from airflow_fargate.cli.session import Session, open_session

if TYPE_CHECKING:
    import argparse

_CLEAR = "\033[H\033[2J"
"""Moves the cursor to the top of a terminal and clears it."""


def main(args: argparse.Namespace) -> int:
    """Print the table, the oldest first, once or every ``--watch`` seconds; return 0."""
    session = open_session(args)
    if not args.watch:
        _show(session, args.output)
        return 0
    while True:
        try:
            if sys.stdout.isatty():
                sys.stdout.write(_CLEAR)
            _show(session, args.output)
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001  watching continues after an outage
            sys.stderr.write(f"{explain(error)}\n")
        try:
            time.sleep(args.watch)
        except KeyboardInterrupt:
            return 0


def _show(session: Session, output: str) -> None:
    now = time.time()
    found = sorted(list_containers(session, "RUNNING"), key=lambda own: own.age(now), reverse=True)
    show(output, [_row(own, now) for own in found], [_record(own, now) for own in found], long=("run", "id"))
    total = sum(prices.cost(each.ecs_task, now) for each in found)
    plural = "" if len(found) == 1 else "s"
    sys.stderr.write(f"{len(found)} container{plural} of deployment {session.config.deployment}")
    sys.stderr.write(f", {total:.4f} USD so far (an estimate).\n" if found else " run now.\n")


def _row(own: OwnContainer, now: float) -> dict[str, str]:
    return {
        "dag": own.dag,
        "task": own.task,
        "run": own.tag("run-id"),
        "try": own.tag("try-number"),
        "status": own.ecs_task.last_status,
        "age": duration(own.age(now)),
        "size": own.size,
        "capacity": own.capacity,
        "cost so far": f"{prices.cost(own.ecs_task, now):.4f} USD",
        "id": own.ecs_task.arn.rpartition("/")[2],
    }


def _record(own: OwnContainer, now: float) -> dict[str, Any]:
    return own.record(now) | {
        "status": own.ecs_task.last_status,
        "cpu": own.ecs_task.cpu,
        "memory": own.ecs_task.memory,
        "capacity": own.capacity,
        "cost_usd": round(prices.cost(own.ecs_task, now), 6),
    }
