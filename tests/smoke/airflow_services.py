"""Airflow's database, API server, scheduler and DAG processor, configured by Terraform's output."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smoke import standbys
from smoke.airflow_releases import AirflowRelease, find_release
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
"""Seconds; shorter than a task of a few seconds. The default is a minute."""
HEARTBEAT, DEAD_AFTER, LOOKS_FOR_ORPHANS = 2, 10, 4
"""Seconds until another scheduler notices a killed one and adopts its tasks; the defaults are 5, 30, 300."""


@dataclass(frozen=True)
class AirflowHome:
    """The configuration of an Airflow on this machine.

    Args:
        folder: AIRFLOW_HOME.
        venv: the environment with the ``airflow`` program.
        database: SQLAlchemy's address of the metadata database, for the services.
        host: the address that the API server listens on and that containers call.
        port: its port.
        jwt_secret: signs the tokens; shared by the services, new for every run.
        release: the Airflow release.
        database_for_tasks: the database's address for containers; empty if they do not open it.
        fernet_key: encrypts connections and variables; new for every run.
    """

    folder: Path
    venv: Path
    database: str
    host: str
    port: int
    jwt_secret: str
    release: AirflowRelease = field(default_factory=find_release)
    database_for_tasks: str = ""
    fernet_key: str = field(
        default_factory=lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    )

    @property
    def url(self) -> str:
        """The address of the API server and the UI."""
        return f"http://{self.host}:{self.port}"

    @property
    def config(self) -> Path:
        """The file with Terraform's output, and nothing else."""
        return self.folder / "airflow.cfg"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not be readable anywhere: keys, and the database's address."""
        password = urlsplit(self.database).password
        return tuple(filter(None, (self.jwt_secret, self.fernet_key, password)))

    def environment(self, cloud: Mapping[str, str]) -> dict[str, str]:
        """Return this machine's additions to Terraform's output; neither sets an option of the other."""
        options = {
            **self.release.options(self),
            "CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "DATABASE__SQL_ALCHEMY_CONN": self.database,
            "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": str(HEARTBEAT),
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": str(DEAD_AFTER),
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": str(LOOKS_FOR_ORPHANS),
            "FARGATE__RECONCILE_INTERVAL": str(RECONCILE_INTERVAL),
            "FARGATE__PROFILES": json.dumps(standbys.PROFILES),
            "FARGATE__STANDBY_CLAIM_TIMEOUT": str(standbys.CLAIM_TIMEOUT),
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


def make_home(home: AirflowHome) -> AirflowHome:
    """Create AIRFLOW_HOME with our DAGs and one of Airflow's examples."""
    dags = home.folder / "dags"
    dags.mkdir(parents=True)
    copy_dags(home.venv, dags)
    for name, text in {home.config.name: "", **home.release.files()}.items():
        (home.folder / name).write_text(text, encoding="utf-8")
    return home


def copy_dags(venv: Path, folder: Path) -> None:
    """Copy the smoke's DAGs into a folder."""
    for file in DAGS.glob("*.py"):
        shutil.copy(file, folder)
    example = next(iter(venv.glob(f"lib/python3*/site-packages/airflow/{EXAMPLE_FILE}")), None)
    if example is None:
        raise SmokeError(
            f"Airflow no longer has {EXAMPLE_FILE}: choose another example in smoke/expectations.py."
        )
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
    """Start a service by its command, such as ``scheduler``."""
    command = [str(home.venv / "bin" / "airflow"), name]
    # The scheduler's grace is longer than its executor's own end_timeout.
    # The local cloud identifies callers by their keys, and checks these against the scheduler's policy.
    env = {**home.environment(cloud), "AWS_ACCESS_KEY_ID": name}
    return programs.start(name, command, env=env, cwd=home.folder, grace=45)


def wait_for_api(programs: Programs, home: AirflowHome, service: Service) -> None:
    """Wait until the API server answers."""
    programs.wait_until(service, lambda: answers(f"{home.url}{home.release.api.root}/version"), 300)
