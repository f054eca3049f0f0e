"""What differs between the Airflow releases that the smoke runs on: here, and nowhere else in the smoke.

A release is one that both ``tests/requirements`` and ``worker_image/requirements`` have a lock for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from smoke.airflow_api import AirflowApi, AirflowApi1
from smoke.failure import SmokeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smoke.airflow_services import AirflowHome

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("tests/requirements/airflow-*.txt", "worker_image/requirements/worker-*.txt")
IN_DEV = "3.3.2"
"""The release in ``.venv`` (tests/requirements/dev.in), which the smoke runs on unless told otherwise."""


@dataclass(frozen=True)
class AirflowRelease:
    """Airflow 3: tasks speak to the API server, and never to the database.

    Args:
        version: as ``3.3.2``.
    """

    version: str
    server: ClassVar[str] = "api-server"
    """The service that answers people and programs; also the word that starts it."""
    api: ClassVar[type[AirflowApi]] = AirflowApi
    tasks_open_the_database: ClassVar[bool] = False
    first_database: ClassVar[str] = "sqlite"

    @property
    def is_in_dev(self) -> bool:
        """Whether it is the one in ``.venv``; another has an environment of its own."""
        return self.version == IN_DEV

    @property
    def label(self) -> str:
        """As a person names it."""
        return f"Airflow {self.version}"

    @property
    def base_image(self) -> str:
        """The public image that the worker's is made from; empty for the Dockerfile's own default."""
        return "" if self.is_in_dev else f"apache/airflow:slim-{self.version}-python3.12"

    @property
    def worker_image(self) -> str:
        """The worker image's name in the engine; several releases' can be there."""
        return "airflow-fargate/worker:smoke" + ("" if self.is_in_dev else f"-{self.version}")

    def check_database(self, database: str) -> None:
        """Raise :class:`SmokeError` for a database on which it cannot run tasks in containers."""

    def options(self, home: AirflowHome) -> dict[str, str]:
        """Return its services' settings, as SECTION__KEY: what the other generation calls otherwise."""
        return {
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "API__HOST": home.host,
            "API__PORT": str(home.port),
            "API__BASE_URL": home.url,
            "API__SECRET_KEY": home.jwt_secret[:32],
            "API_AUTH__JWT_SECRET": home.jwt_secret,
            "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        }

    def files(self) -> dict[str, str]:
        """Return what its home holds besides, by file name."""
        return {}

    def container_secrets(self, home: AirflowHome) -> dict[str, str]:
        """Return the environment that containers must have and nobody may read: name -> value."""
        return {}

    def terraform_inputs(
        self, home: AirflowHome, gateway: str, references: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return what Terraform is told of the way to Airflow.

        Args:
            home: the services.
            gateway: where containers find this machine.
            references: ARNs of the containers' secrets, by variable.
        """
        del references  # it has none
        url = f"{home.url}/execution/"
        return {"execution_api_server_url": url, "airflow_cidrs": [f"{gateway}/32"]}


class Airflow2(AirflowRelease):
    """Airflow 2.11: a task is the CLI's command, and opens the metadata database."""

    server = "webserver"
    api = AirflowApi1
    tasks_open_the_database = True
    first_database = "postgres"

    def check_database(self, database: str) -> None:
        """See above: containers reach no SQLite file of this machine."""
        if database == "sqlite":
            raise SmokeError(
                f"DB=sqlite does not go with {self.label}, whose tasks open the database from containers: "
                "leave DB out, or use DB=postgres."
            )

    def options(self, home: AirflowHome) -> dict[str, str]:
        """See above. The DAG processor is a process of its own, as in Airflow 3."""
        return {
            "CORE__FERNET_KEY": home.fernet_key,
            "API__AUTH_BACKENDS": "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth",
            "WEBSERVER__WEB_SERVER_HOST": home.host,
            "WEBSERVER__WEB_SERVER_PORT": str(home.port),
            "WEBSERVER__BASE_URL": home.url,
            "WEBSERVER__SECRET_KEY": home.jwt_secret[:32],
            "WEBSERVER__WORKERS": "2",
            "SCHEDULER__STANDALONE_DAG_PROCESSOR": "True",
            "SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
            "SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3600",
            # A task that was killed while it ran is failed by this alone, whatever its executor says; 300 s.
            "SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "30",
        }

    def files(self) -> dict[str, str]:
        """Everyone who can reach it is an administrator, as the other generation is told by an option."""
        return {"webserver_config.py": 'AUTH_ROLE_PUBLIC = "Admin"\nWTF_CSRF_ENABLED = False\n'}

    def container_secrets(self, home: AirflowHome) -> dict[str, str]:
        """What a worker of Airflow 2 shares with the scheduler."""
        return {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": home.database_for_tasks,
            "AIRFLOW__CORE__FERNET_KEY": home.fernet_key,
        }

    def terraform_inputs(
        self, home: AirflowHome, gateway: str, references: Mapping[str, str]
    ) -> dict[str, Any]:
        """See above: the way leads to the database, and how to open it is a secret."""
        return {
            "airflow_port": urlsplit(home.database_for_tasks).port,
            "airflow_cidrs": [f"{gateway}/32"],
            "worker_secrets": dict(references),
        }


def releases() -> tuple[str, ...]:
    """Return the releases that can be run, the oldest first."""
    known: set[str] = set.intersection(
        *({path.stem.partition("-")[2] for path in ROOT.glob(locks)} for locks in LOCKS)
    )
    return tuple(sorted(known, key=lambda version: [int(number) for number in re.findall(r"\d+", version)]))


def find_release(version: str = "") -> AirflowRelease:
    """Return the release that was asked for; empty for the one in ``.venv``.

    Raises:
        SmokeError: it is none of those that can be run.
    """
    version = version or IN_DEV
    if version not in releases():
        raise SmokeError(f"AIRFLOW={version} cannot be run: use one of {', '.join(releases())}.")
    return Airflow2(version) if version.startswith("2.") else AirflowRelease(version)
