"""Teams (``[core] multi_team``, 3.2 and later): the teams that use our executor, and the team of a DAG.

An empty name means no team: DAGs without a team use the executors without a team.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions.releases import HAS_TEAMS

if TYPE_CHECKING:
    from collections.abc import Iterable


def teams_with(executor: type) -> list[str]:
    """Return the teams whose executors in ``[core] executor`` include this class or a subclass of it.

    If there are none, return the empty name: a command may run where another executor is configured.
    """
    if not HAS_TEAMS:
        return [""]
    from airflow.executors.executor_loader import ExecutorLoader  # noqa: PLC0415  needs Airflow

    names = ExecutorLoader.get_executor_names(validate_teams=False)
    return sorted({each.team_name or "" for each in names if _is(each, executor)}) or [""]


def teams_of(dag_ids: Iterable[str]) -> dict[str, str]:
    """Return the team of each DAG; DAGs without a team are left out."""
    if not HAS_TEAMS:
        return {}
    from airflow.models.dag import DagModel  # noqa: PLC0415  needs Airflow's database

    found = DagModel.get_dag_id_to_team_name_mapping(sorted(set(dag_ids)))
    return {dag: team for dag, team in found.items() if team}


def _is(name: Any, executor: type) -> bool:
    from airflow.executors.executor_loader import ExecutorLoader  # noqa: PLC0415  needs Airflow

    try:
        return issubclass(ExecutorLoader.import_executor_cls(name)[0], executor)
    except ImportError:
        return False  # The package of another executor is not installed here.
