"""Airflow itself: database, api-server, scheduler and DAG processor, configured by Terraform's output."""

from __future__ import annotations

import secrets
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke.expectations import EXAMPLE_FILE
from smoke.failure import SmokeError
from smoke.image_registry import answers
from smoke.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smoke.processes import Programs, Service

DAGS = ROOT / "tests" / "smoke" / "dags"
RECONCILE_INTERVAL = 5
"""Seconds, so that a task of a few seconds outlasts one; the default is a minute."""
HEARTBEAT, DEAD_AFTER, LOOKS_FOR_ORPHANS = 2, 10, 4
"""Seconds: how soon another scheduler sees that one was killed, and adopts its tasks; defaults 5, 30, 300."""


@dataclass(frozen=True)
class AirflowHome:
    """An Airflow on this machine that is not started yet.

    Args:
        folder: AIRFLOW_HOME.
        venv: where the ``airflow`` program is.
        database: SQLAlchemy's address of the metadata database.
        host: address the API server listens on; containers reach it there.
        port: its port.
        jwt_secret: signs the tokens; shared by the services, new for every run.
    """

    folder: Path
    venv: Path
    database: str
    host: str
    port: int
    jwt_secret: str

    @property
    def url(self) -> str:
        """Where the API server and its pages are."""
        return f"http://{self.host}:{self.port}"

    @property
    def config(self) -> Path:
        """The file that holds Terraform's output and nothing else."""
        return self.folder / "airflow.cfg"

    def environment(self, cloud: Mapping[str, str]) -> dict[str, str]:
        """Return what this machine adds to Terraform's output; the two set no option both."""
        options = {
            "CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "DATABASE__SQL_ALCHEMY_CONN": self.database,
            "API__HOST": self.host,
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__SECRET_KEY": self.jwt_secret[:32],
            "API_AUTH__JWT_SECRET": self.jwt_secret,
            "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": str(HEARTBEAT),
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": str(DEAD_AFTER),
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": str(LOOKS_FOR_ORPHANS),
            "FARGATE__RECONCILE_INTERVAL": str(RECONCILE_INTERVAL),
        }
        return {
            **cloud,
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW_CONFIG": str(self.config),
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "PATH": f"{self.venv / 'bin'}:{cloud.get('PATH', '')}",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "no_proxy": f"{cloud.get('no_proxy', '')},127.0.0.1,{self.host}".lstrip(","),
        }


def make_home(folder: Path, venv: Path, database: str, host: str, port: int) -> AirflowHome:
    """Make AIRFLOW_HOME with the DAGs: ours, and one of Airflow's own as it is."""
    dags = folder / "dags"
    dags.mkdir(parents=True)
    copy_dags(venv, dags)
    home = AirflowHome(folder, venv, database, host, port, secrets.token_urlsafe(96))
    home.config.write_text("", encoding="utf-8")
    return home


def copy_dags(venv: Path, folder: Path) -> None:
    """Copy what runs in the smoke into a folder of DAGs."""
    for file in DAGS.glob("*.py"):
        shutil.copy(file, folder)
    packages = venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    example = packages / "airflow" / EXAMPLE_FILE
    if not example.is_file():
        raise SmokeError(f"Airflow has no {EXAMPLE_FILE} any more: choose another in smoke/expectations.py.")
    shutil.copy(example, folder)


def migrate(programs: Programs, home: AirflowHome, cloud: Mapping[str, str]) -> None:
    """Create the metadata tables."""
    programs.run(
        [str(home.venv / "bin" / "airflow"), "db", "migrate"],
        "database",
        env=home.environment(cloud),
        timeout=180,
    )


def start_service(programs: Programs, home: AirflowHome, cloud: Mapping[str, str], name: str) -> Service:
    """Start one of ``api-server``, ``scheduler``, ``dag-processor``."""
    command = [str(home.venv / "bin" / "airflow"), name]
    # The scheduler's grace is longer than its executor's own end_timeout.
    # The local cloud knows callers by their keys: the services' calls are judged by the scheduler's policy.
    env = {**home.environment(cloud), "AWS_ACCESS_KEY_ID": name}
    return programs.start(name, command, env=env, cwd=home.folder, grace=45)


def wait_for_api(programs: Programs, home: AirflowHome, service: Service) -> None:
    """Wait until the API server answers."""
    programs.wait_until(service, lambda: answers(f"{home.url}/api/v2/version"), 300)
