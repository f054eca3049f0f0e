"""``airflow fargate cost``: cost by DAG and day, from Airflow's task history, ECS, or the bill."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions import teams_of, teams_with
from airflow_fargate.aws import prices
from airflow_fargate.cli import bill
from airflow_fargate.cli.containers import list_containers
from airflow_fargate.cli.history import past_containers
from airflow_fargate.cli.printing import show
from airflow_fargate.cli.session import open_session
from airflow_fargate.executor import FargateExecutor

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from airflow_fargate.aws.ecs_task import EcsTask
    from airflow_fargate.aws.prices import Prices
    from airflow_fargate.cli.session import Session

SECONDS_PER_DAY = 86400
_NOTES = {
    "history": "An estimate from Airflow's task history. It uses the sizes that are configured now and the\n"
    "first entry of the capacity chain, and leaves out the time for image pulls. --from bill shows AWS's\n"
    "figures.\n",
    "ecs": "An estimate from the tasks that ECS still has: it keeps stopped tasks for about an hour.\n",
    "bill": "From the bill, by the cost allocation tag airflow-fargate:dag-id.\n",
}


@dataclass
class Sum:
    """The sums of one DAG on one day."""

    containers: int = 0
    hours: float = 0.0
    usd: float = 0.0

    def add(self, task: EcsTask, now: float, given: Prices | None) -> None:
        """Add one container."""
        self.containers += 1
        self.hours += prices.billed_seconds(task, now) / 3600 * (task.cpu or 0) / 1024
        self.usd += prices.cost(task, now, given)

    def row(self, day: str, dag: str) -> dict[str, str]:
        """Return the row of the table."""
        counts = {"containers": str(self.containers), "vCPU hours": f"{self.hours:.3f}"}
        # The bill has neither number.
        return {"day (UTC)": day, "dag": dag, **(counts if self.containers else {})} | {
            "cost": f"{self.usd:.4f} USD"
        }

    def record(self, day: str, dag: str) -> dict[str, Any]:
        """Return the row for JSON and YAML."""
        counts = {"containers": self.containers, "vcpu_hours": round(self.hours, 6)}
        return {"day": day, "dag_id": dag, **(counts if self.containers else {})} | {
            "cost_usd": round(self.usd, 6)
        }


def main(args: argparse.Namespace) -> int:
    """Print cost by day and DAG, and the sum; return 0, or 1 if the bill cannot be read."""
    session, now = open_session(args), time.time()
    since = now - args.days * SECONDS_PER_DAY
    try:
        sums = (
            _billed(session, since, now) if args.source == "bill" else _estimated(session, args, since, now)
        )
    except bill.NoBillError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    rows = [each.row(day, dag) for (day, dag), each in sorted(sums.items())]
    if len(rows) > 1:
        total = Sum(*(sum(each) for each in zip(*map(dataclasses.astuple, sums.values()), strict=True)))
        rows.append(total.row("all", ""))
    show(args.output, rows, [each.record(day, dag) for (day, dag), each in sorted(sums.items())])
    if not rows:
        sys.stderr.write(_nothing_found(session, args))
    sys.stderr.write(_NOTES[args.source])
    if args.source == "history" and session.config.standby:
        sys.stderr.write("The time in which standbys wait is not in it: see --from ecs and --from bill.\n")
    return 0


def _nothing_found(session: Session, args: argparse.Namespace) -> str:
    about = f"of deployment {session.config.deployment!r} in the last {args.days} days"
    if args.source == "bill":
        return f"The bill has no cost {about}. {bill.ACTIVATE}\n"
    return f"No containers {about}.\n"


def _estimated(
    session: Session, args: argparse.Namespace, since: float, now: float
) -> dict[tuple[str, str], Sum]:
    given = _given(args)
    sums: dict[tuple[str, str], Sum] = defaultdict(Sum)
    unknown = 0
    past = past_containers(session.config, since)
    is_ours = _dags_of(getattr(args, "team", None) or "")
    for dag, task in _from_ecs(session) if args.source == "ecs" else past:
        if args.source == "history" and not is_ours(dag):
            continue
        began = task.at("createdAt") or now
        if began < since:
            continue
        unknown += not (task.cpu and task.memory)
        sums[_day(began), dag].add(task, now, given)
    if unknown:
        sys.stderr.write(
            f"{unknown} containers count as 0 USD, because their size is unknown. Set [fargate] task_cpu and "
            "task_memory to the task definition's values.\n"
        )
    return sums


def _dags_of(team: str) -> Callable[[str], bool]:
    """Return a function that tells whether a team's executor runs a DAG's tasks; an empty name means no team.

    Airflow's task history has the tasks of all teams.
    """
    having_one = teams_with(FargateExecutor)
    if having_one == [""]:
        return lambda _: True

    @cache
    def is_ours(dag: str) -> bool:
        owner = teams_of([dag]).get(dag, "")
        return (owner if owner in having_one else "") == team

    return is_ours


def _from_ecs(session: Session) -> Iterable[tuple[str, EcsTask]]:
    return ((own.dag, own.ecs_task) for own in list_containers(session, "RUNNING", "STOPPED"))


def _billed(session: Session, since: float, now: float) -> dict[tuple[str, str], Sum]:
    found: Iterator[tuple[str, str, float]] = bill.by_day_and_dag(
        session.clients("ce"), session.config.deployment, _day(since), _day(now + SECONDS_PER_DAY)
    )
    return {(day, dag): Sum(usd=usd) for day, dag, usd in found}


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).date().isoformat()


def _given(args: argparse.Namespace) -> Prices | None:
    """Return the prices from the command line; None for the table's own, by architecture."""
    named = {"vcpu_hour": args.vcpu_hour, "gb_hour": args.gb_hour}
    changes = {name: value for name, value in named.items() if value is not None}
    return dataclasses.replace(prices.X86, **changes) if changes else None
