"""What every command begins with: the configuration, and clients."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_fargate.airflow_versions import AIRFLOW_VERSION, HAS_TEAMS
from airflow_fargate.aws.clients import BotoClients, ClientSource
from airflow_fargate.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from airflow_fargate.settings.config import FargateConfig


@dataclass(frozen=True)
class Session:
    """Configuration and clients of one command."""

    config: FargateConfig
    clients: ClientSource


def open_session(args: argparse.Namespace) -> Session:
    """Read Airflow's configuration; of the team in ``args.team``, where one is named.

    Raises:
        SystemExit: the section is wrong; its sentences are printed.
    """
    from airflow_fargate.executor import FargateExecutor  # noqa: PLC0415  imports Airflow's executors

    # Airflow's logging writes to standard output, where a table or JSON is expected.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    team = getattr(args, "team", None)
    if team and not HAS_TEAMS:
        sys.stderr.write(f"--team: teams come with Airflow 3.2, this is {AIRFLOW_VERSION}.\n")
        raise SystemExit(1)
    try:
        config = FargateExecutor(parallelism=1, **({"team_name": team} if team else {})).read_config()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
    return Session(config, BotoClients(config.region, 4))
