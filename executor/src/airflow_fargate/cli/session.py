"""What every command begins with: the configuration, and clients."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_fargate.ecs import BotoClients, ClientSource
from airflow_fargate.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_fargate.config import FargateConfig


@dataclass(frozen=True)
class Session:
    """Configuration and clients of one command."""

    config: FargateConfig
    clients: ClientSource


def open_session() -> Session:
    """Read Airflow's configuration.

    Raises:
        SystemExit: the section is wrong; its sentences are printed.
    """
    from airflow_fargate.executor import FargateExecutor  # noqa: PLC0415  imports Airflow's executors

    # Airflow's logging writes to standard output, where a table or JSON is expected.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        config = FargateExecutor(parallelism=1).read_config()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
    return Session(config, BotoClients(config.region, 4))
