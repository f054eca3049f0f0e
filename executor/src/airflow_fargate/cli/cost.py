"""``airflow fargate cost``: an estimate from the tasks that ECS still knows."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from airflow_fargate.cli.containers import list_containers
from airflow_fargate.cli.session import open_session

if TYPE_CHECKING:
    import argparse


def main(args: argparse.Namespace) -> int:
    """Print cost by day and DAG; return 0.

    ECS forgets a stopped task after an hour, so this shows the last hour and what runs. For longer times the
    tasks' tags (airflow-fargate:dag-id) are cost allocation tags: activate them in Billing.
    """
    session, now = open_session(), time.time()
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for own in list_containers(session, "RUNNING", "STOPPED"):
        created = own.change.at("createdAt") or now
        if now - created > args.days * 86400:
            continue
        day = datetime.fromtimestamp(created, tz=timezone.utc).date().isoformat()
        entry = sums[day, own.tag("dag-id")]
        entry[0] += 1
        entry[1] += own.billed_seconds(now) * own.cpu / 3600
        entry[2] += own.cost(now, args.vcpu_hour, args.gb_hour)
    AirflowConsole().print_as(
        data=[
            {
                "day": day,
                "dag": dag,
                "containers": f"{count:.0f}",
                "vCPU hours": f"{hours:.3f}",
                "cost": f"{cost:.4f} USD",
            }
            for (day, dag), (count, hours, cost) in sorted(sums.items())
        ],
        output=args.output,
    )
    sys.stderr.write(
        "ECS keeps stopped tasks for about an hour. For longer times activate the tag airflow-fargate:dag-id "
        "as a cost allocation tag.\n"
    )
    return 0
