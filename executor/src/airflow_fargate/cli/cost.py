"""``airflow fargate cost``: an estimate from the tasks that ECS still knows."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from airflow_fargate import prices
from airflow_fargate.cli.containers import OwnContainer, list_containers
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse

    from airflow_fargate.prices import Prices

_NOTE = (
    "ECS keeps stopped tasks for about an hour. For longer times activate the tag airflow-fargate:dag-id as\n"
    "a cost allocation tag in AWS Billing.\n"
)


@dataclass
class Sum:
    """What the containers of one DAG took on one day."""

    containers: int = 0
    hours: float = 0.0
    usd: float = 0.0

    def add(self, own: OwnContainer, now: float, given: Prices | None) -> None:
        """Add one container."""
        self.containers += 1
        self.hours += prices.billed_seconds(own.change, now) / 3600 * (own.change.cpu or 0) / 1024
        self.usd += prices.cost(own.change, now, given)

    def row(self, day: str, dag: str) -> dict[str, str]:
        """Return the line of the table."""
        return {
            "day (UTC)": day,
            "dag": dag,
            "containers": str(self.containers),
            "vCPU hours": f"{self.hours:.3f}",
            "cost": f"{self.usd:.4f} USD",
        }


def main(args: argparse.Namespace) -> int:
    """Print cost by day and DAG, and the sum; return 0.

    ECS forgets a stopped task after an hour, so this shows the last hour and what runs. For longer times the
    tasks' tags (airflow-fargate:dag-id) are cost allocation tags: activate them in Billing.
    """
    session, now = open_session(), time.time()
    given = _given(args)
    sums: dict[tuple[str, str], Sum] = defaultdict(Sum)
    total = Sum()
    for own in list_containers(session, "RUNNING", "STOPPED"):
        if own.age(now) > args.days * 86400:
            continue
        created = own.change.at("createdAt") or now
        day = datetime.fromtimestamp(created, tz=timezone.utc).date().isoformat()
        for each in (sums[day, own.tag("dag-id")], total):
            each.add(own, now, given)
    rows = [each.row(day, dag) for (day, dag), each in sorted(sums.items())]
    if args.output == "table" and len(rows) > 1:
        rows.append(total.row("all", ""))
    if rows or args.output != "table":
        AirflowConsole().print_as(data=rows, output=args.output)
    else:
        sys.stderr.write(f"ECS knows no container of deployment {session.config.deployment}.\n")
    sys.stderr.write(_NOTE)
    return 0


def _given(args: argparse.Namespace) -> Prices | None:
    """Return the prices that the person gave; None for the table's own, by architecture."""
    named = {"vcpu_hour": args.vcpu_hour, "gb_hour": args.gb_hour}
    changes = {name: value for name, value in named.items() if value is not None}
    return dataclasses.replace(prices.X86, **changes) if changes else None
