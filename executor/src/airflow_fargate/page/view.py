"""What the page shows, put together from Airflow's rows and the schedulers' statuses; and its HTML."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_fargate.airflow_versions import is_launch_id
from airflow_fargate.aws import console, prices
from airflow_fargate.cli.containers import duration
from airflow_fargate.cli.history import container_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_fargate.airflow_versions import TaskTry
    from airflow_fargate.aws.ecs_task import EcsTask
    from airflow_fargate.settings.config import FargateConfig

SHOWN_ROWS = 200
_SUMS = ("waiting", "rate", "limit", "limit_now", "throttles", "capacity_refusals", "launch_errors")


@dataclass(frozen=True)
class Team:
    """What was read of one team.

    Args:
        name: the team's; empty for the section without a team.
        config: its ``[fargate]`` section; None if it is wrong.
        statuses: what its schedulers wrote.
        missing: a sentence about what could not be read; empty if nothing.
    """

    name: str
    config: FargateConfig | None
    statuses: Sequence[Mapping[str, Any]]
    missing: str


@dataclass(frozen=True)
class Snapshot:
    """What was read at one moment.

    Args:
        at: seconds since the epoch.
        teams: a single one without a name, if Airflow has no teams.
        tries: unfinished tasks.
        team_of: the team of a DAG; those of no team are left out.
    """

    at: float
    teams: Sequence[Team]
    tries: Sequence[TaskTry]
    team_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def statuses(self) -> list[Mapping[str, Any]]:
        """What all schedulers wrote."""
        return [status for team in self.teams for status in team.statuses]

    def config_of(self, dag_id: str) -> FargateConfig | None:
        """Return the section that applies to a DAG's tasks: its team's, if the team has its own executors."""
        configs = {team.name: team.config for team in self.teams}
        return configs.get(self.team_of.get(dag_id, ""), configs.get(""))


@dataclass(frozen=True)
class Row:
    """One container."""

    tried: TaskTry
    task: EcsTask
    age: float
    cost: float

    @property
    def size(self) -> str:
        """The size in vCPU and GB; empty if it is unknown."""
        if not self.task.cpu or not self.task.memory:
            return ""
        return f"{self.task.cpu / 1024:g} vCPU, {self.task.memory / 1024:g} GB"

    @property
    def console(self) -> str:
        """The container's page in the ECS console; empty if its ARN is unknown."""
        return console.task_link(self.task.arn)


def render(snapshot: Snapshot, dags: set[str], now: float, nonce: str) -> str:
    """Return the page for a user who may see these DAGs."""
    rows = [row for row in _rows(snapshot, now) if row.tried.dag_id in dags]
    costs: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        costs[row.tried.dag_id].append(row.cost)
    failures = (each for status in snapshot.statuses for each in status["failures"])
    seen = [each for each in failures if each.get("dag_id") in dags or not each.get("dag_id")]
    return str(
        _template().render(
            snapshot=snapshot,
            now=now,
            nonce=nonce,
            rows=rows,
            costs=sorted(costs.items(), key=lambda item: -sum(item[1])),
            failures=sorted(seen, key=lambda each: -each["at"]),
            total=_sums(snapshot.statuses),
            standbys=_standbys(snapshot.teams),
        )
    )


def _rows(snapshot: Snapshot, now: float) -> Iterable[Row]:
    """Yield the containers of unfinished tasks, the oldest first."""
    details = {arn: each for status in snapshot.statuses for arn, each in status["details"].items()}
    arns = {each["launch_id"]: arn for arn, each in details.items()}
    for tried in snapshot.tries:
        arn = arns.get(tried.external_id, tried.external_id)
        config = snapshot.config_of(tried.dag_id)
        if is_launch_id(arn) or ":task/" not in arn or config is None:
            continue  # Not launched yet, or another executor's.
        task = replace(container_of(config, tried), arn=arn)
        began = tried.started.timestamp() if tried.started else now
        if known := details.get(arn):
            since = known["since"] or now
            began = min(began, since)
            task = replace(
                task,
                cpu=known["cpu"],
                memory=known["memory"],
                storage=known["storage"],
                capacity_provider=known["capacity"] or "launch type",
                architecture=known["architecture"],
                timeline=(("pullStartedAt", since),) if known["since"] else (),
            )
        yield Row(tried, task, max(0.0, now - began), prices.cost(task, now))


def _sums(statuses: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {name: sum(status[name] for status in statuses) for name in _SUMS}


def _standbys(teams: Sequence[Team]) -> dict[str, Mapping[str, int]]:
    """Return queue -> standbys. A team's schedulers share them, so each reports the same ones."""
    return {
        f"{queue} of {team.name}" if team.name else queue: counts
        for team in teams
        for status in team.statuses
        for queue, counts in status["standbys"].items()
    }


def airflow_link(each: Any) -> str:
    """Return the address of a try in Airflow, relative to the page's."""

    def part(name: str) -> str:
        value = each.get(name) if isinstance(each, dict) else getattr(each, name)
        return quote(str(value), safe="")

    mapped = "" if part("map_index") in {"-1", "None"} else f"/mapped/{part('map_index')}"
    return (
        f"../dags/{part('dag_id')}/runs/{part('run_id')}/tasks/{part('task_id')}{mapped}"
        f"?try_number={part('try_number')}"
    )


def https(address: object) -> str:
    """Return an address that a status holds, if a browser may follow it."""
    return str(address) if str(address).startswith("https://") else ""


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  comes with Airflow

    made = Environment(
        loader=PackageLoader("airflow_fargate", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"duration": duration, "airflow_link": airflow_link, "https": https}
    made.filters["usd"] = lambda cost: f"{cost:,.4f}"
    made.globals["task_link"] = console.task_link
    made.globals["SHOWN_ROWS"] = SHOWN_ROWS
    return made.get_template("page.html")
