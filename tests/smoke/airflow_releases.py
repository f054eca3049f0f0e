"""All differences between the Airflow releases that the smoke runs on.

The smoke runs on a release if ``tests/requirements`` and ``worker_image/requirements`` have a lock for it.
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
"""The release in ``.venv`` (tests/requirements/dev.in), on which the smoke runs by default."""


@dataclass(frozen=True)
class AirflowRelease:
    """Airflow 3: tasks call the API server and never open the database.

    Args:
        version: such as ``3.3.2``.
    """

    version: str
    server: ClassVar[str] = "api-server"
    """The service with the UI and the API; also the command that starts it."""
    api: ClassVar[type[AirflowApi]] = AirflowApi
    tasks_open_the_database: ClassVar[bool] = False
    fails_killed_tasks_itself: ClassVar[bool] = False
    """Whether zombie detection fails a task that was killed, perhaps before its container has exited."""
    takes_sqlite: ClassVar[bool] = True

    @property
    def is_in_dev(self) -> bool:
        """Whether it is the release in ``.venv``; any other has its own environment."""
        return self.version == IN_DEV

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"Airflow {self.version}"

    @property
    def has_standbys(self) -> bool:
        """Whether it can have standby containers: Airflow 3.2.2 or later."""
        return _numbers(self.version)[:3] >= [3, 2, 2]

    @property
    def can_be_deployed(self) -> bool:
        """Whether the complete deployment runs it: there is a lock of the control image."""
        return (ROOT / f"worker_image/requirements/control-{self.version}.txt").is_file()

    @property
    def base_image(self) -> str:
        """The public base image of the worker image; empty for the Dockerfile's default."""
        return "" if self.is_in_dev else f"apache/airflow:slim-{self.version}-python3.12"

    @property
    def worker_image(self) -> str:
        """The name of the release's worker image in the engine."""
        return self._image("worker")

    @property
    def control_image(self) -> str:
        """The name of the release's control image in the engine."""
        return self._image("control")

    def _image(self, kind: str) -> str:
        return f"airflow-fargate/{kind}:smoke" + ("" if self.is_in_dev else f"-{self.version}")

    def check_database(self, database: str) -> None:
        """Raise :class:`SmokeError` if tasks in containers cannot use this database."""

    def options(self, home: AirflowHome) -> dict[str, str]:
        """Return the settings, as SECTION__KEY, that Airflow 2 and 3 name differently."""
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
        """Return more files for its home, by file name."""
        return {}

    def container_secrets(self, home: AirflowHome) -> dict[str, str]:
        """Return the secret environment variables of containers: name -> value."""
        return {}

    def terraform_inputs(
        self, home: AirflowHome, gateway: str, references: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return Terraform's inputs for the connection to Airflow.

        Args:
            home: the services.
            gateway: this machine's address for containers.
            references: ARNs of the containers' secrets, by variable.
        """
        del references  # it has none
        url = f"{home.url}/execution/"
        return {"execution_api_server_url": url, "airflow_cidrs": [f"{gateway}/32"]}


class Airflow2(AirflowRelease):
    """Airflow 2.11: a task runs as a CLI command, which opens the metadata database."""

    server = "webserver"
    api = AirflowApi1
    tasks_open_the_database = True
    fails_killed_tasks_itself = True
    takes_sqlite = False

    def check_database(self, database: str) -> None:
        """See above: containers cannot open a SQLite file of this machine."""
        if database == "sqlite":
            raise SmokeError(
                f"DB=sqlite does not work with {self.label}, whose tasks open the database from containers: "
                "leave DB out, or use DB=postgres."
            )

    def options(self, home: AirflowHome) -> dict[str, str]:
        """See above. The DAG processor is a separate process, as in Airflow 3."""
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
            # Airflow 2 fails a task that was killed while it ran by this alone (default 300 s).
            "SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "30",
        }

    def files(self) -> dict[str, str]:
        """Make every user an administrator, which Airflow 3 does by an option."""
        return {"webserver_config.py": 'AUTH_ROLE_PUBLIC = "Admin"\nWTF_CSRF_ENABLED = False\n'}

    def container_secrets(self, home: AirflowHome) -> dict[str, str]:
        """Return the secrets that a worker of Airflow 2 shares with the scheduler."""
        return {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": home.database_for_tasks,
            "AIRFLOW__CORE__FERNET_KEY": home.fernet_key,
        }

    def terraform_inputs(
        self, home: AirflowHome, gateway: str, references: Mapping[str, str]
    ) -> dict[str, Any]:
        """See above: containers connect to the database, and its address is a secret."""
        return {
            "airflow_port": urlsplit(home.database_for_tasks).port,
            "airflow_cidrs": [f"{gateway}/32"],
            "worker_secrets": dict(references),
        }


def releases() -> tuple[str, ...]:
    """Return the releases that the smoke can run, oldest first."""
    known: set[str] = set.intersection(
        *({path.stem.partition("-")[2] for path in ROOT.glob(locks)} for locks in LOCKS)
    )
    return tuple(sorted(known, key=_numbers))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def find_release(version: str = "") -> AirflowRelease:
    """Return a release by its version; empty for the one in ``.venv``.

    Raises:
        SmokeError: the smoke cannot run this release.
    """
    version = version or IN_DEV
    if version not in releases():
        raise SmokeError(f"The smoke cannot run AIRFLOW={version}: use one of {', '.join(releases())}.")
    return Airflow2(version) if version.startswith("2.") else AirflowRelease(version)
