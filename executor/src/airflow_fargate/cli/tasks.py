"""``airflow fargate tasks``: the containers that run now."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from airflow_fargate import prices
from airflow_fargate.cli.containers import OwnContainer, duration, list_containers
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse


def main(args: argparse.Namespace) -> int:
    """Print the table, the oldest first; return 0."""
    session, now = open_session(), time.time()
    found = sorted(list_containers(session, "RUNNING"), key=lambda own: own.age(now), reverse=True)
    if found or args.output != "table":
        AirflowConsole().print_as(data=[_row(each, now) for each in found], output=args.output)
    total = sum(prices.cost(each.change, now) for each in found)
    plural = "" if len(found) == 1 else "s"
    sys.stderr.write(f"{len(found)} container{plural} of deployment {session.config.deployment}")
    sys.stderr.write(f", {total:.4f} USD so far (an estimate).\n" if found else " run now.\n")
    return 0


def _row(own: OwnContainer, now: float) -> dict[str, str]:
    change = own.change
    return {
        "dag": own.tag("dag-id"),
        "task": own.task,
        "run": own.tag("run-id"),
        "try": own.tag("try-number"),
        "status": change.last_status,
        "age": duration(own.age(now)),
        "size": own.size,
        "capacity": change.capacity_provider or "launch type",
        "cost so far": f"{prices.cost(change, now):.4f} USD",
        "id": change.arn.rpartition("/")[2],
    }
