"""The configuration and the AWS clients of a command."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_fargate.airflow_versions import AIRFLOW_VERSION, HAS_TEAMS
from airflow_fargate.aws.clients import BotoClients, ClientSource
from airflow_fargate.errors import ConfigurationError
from airflow_fargate.settings.options import OPTIONS, SECTION

if TYPE_CHECKING:
    import argparse

    from airflow_fargate.executor import FargateExecutor
    from airflow_fargate.settings.config import FargateConfig


@dataclass(frozen=True)
class Session:
    """The configuration and the AWS clients of one command."""

    config: FargateConfig
    clients: ClientSource


def open_session(args: argparse.Namespace) -> Session:
    """Read Airflow's configuration; that of the team ``args.team`` if it is set.

    Raises:
        SystemExit: the section is wrong. Its faults are printed.
    """
    from airflow_fargate.executor import FargateExecutor  # noqa: PLC0415  imports Airflow's executors

    # Airflow logs to standard output, which must hold the table or JSON only.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    team = getattr(args, "team", None)
    if team and not HAS_TEAMS:
        sys.stderr.write(f"--team {team} needs Airflow 3.2 or later, got {AIRFLOW_VERSION}.\n")
        raise SystemExit(1)
    executor = FargateExecutor(parallelism=1, **({"team_name": team} if team else {}))
    try:
        config = executor.read_config()
    except ConfigurationError as error:
        sys.stderr.write(f"{_with_team(error, team, executor)}\n")
        raise SystemExit(1) from None
    return Session(config, BotoClients(config.region, 4))


def _with_team(error: ConfigurationError, team: str | None, executor: FargateExecutor) -> str:
    """Return the message of a wrong section, with its team; a team without options is one fault, not many."""
    if not team:
        return str(error)
    prefix = f"AIRFLOW__{team.upper()}___{SECTION.upper()}__"
    _, get = executor.section(SECTION)
    if not any(get(option.name) for option in OPTIONS if option.required):
        return (
            f"Team {team!r} has no options of FargateExecutor. Correct --team, or set {prefix}CLUSTER and "
            "the other required options."
        )
    return f"Team {team!r} ({prefix}...):\n{error}"
