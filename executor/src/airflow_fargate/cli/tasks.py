"""``airflow fargate tasks``: the containers that run now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from airflow_fargate.cli.containers import OwnContainer, list_containers
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse

_X86_PRICES = (0.04048, 0.004445)  # USD per vCPU-hour and GB-hour, us-east-1, On-Demand


def main(args: argparse.Namespace) -> int:
    """Print the table; return 0."""
    session, now = open_session(), time.time()
    rows = [_row(each, now) for each in list_containers(session, "RUNNING")]
    AirflowConsole().print_as(data=sorted(rows, key=lambda row: row["age"]), output=args.output)
    return 0


def _row(own: OwnContainer, now: float) -> dict[str, str]:
    change = own.change
    created = change.at("createdAt") or now
    mapped = f"[{own.tag('map-index')}]" if own.tag("map-index") else ""
    return {
        "dag": own.tag("dag-id"),
        "task": own.tag("task-id") + mapped,
        "run": own.tag("run-id"),
        "try": own.tag("try-number"),
        "status": change.last_status,
        "age": f"{now - created:.0f} s",
        "size": f"{own.cpu:g} vCPU {own.memory:g} GB",
        "capacity": change.capacity_provider or "launch type",
        "cost so far": f"{own.cost(now, *_X86_PRICES):.4f} USD",
        "id": change.arn.rpartition("/")[2],
    }
