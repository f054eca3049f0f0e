"""A PostgreSQL whose password is in Secrets Manager, as the control image finds both."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import psycopg2
import pytest
from moto.server import ThreadedMotoServer
from psycopg2 import sql

import needs
from airflow_fargate.control import entrypoint
from airflow_fargate.control.database_login import SECRET_VARIABLE
from airflow_scheduler.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[3]
REGION = "us-east-1"


class Database:
    """A database with a user of its own, and the secret that holds the user's password.

    Args:
        server: the PostgreSQL server.
        secrets: Secrets Manager's client.
        endpoint: where AWS's APIs are.
    """

    def __init__(self, server: PostgresServer, secrets: Any, endpoint: str) -> None:
        self.name = server.create()
        self._address = server.url(self.name).replace("+psycopg2", "")
        self._secrets = secrets
        self._endpoint = endpoint
        self.user = self.name
        self.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD 'first'").format(self._role))
        text = json.dumps({"username": self.user, "password": "first"})
        self.arn = secrets.create_secret(Name=self.name, SecretString=text)["ARN"]

    @property
    def _role(self) -> Any:
        return sql.Identifier(self.user)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a component's container, without AWS's credentials."""
        # The port is PostgreSQL's own on RDS, and not here.
        parts = urlsplit(self._address)
        url = f"postgresql+psycopg2://{parts.hostname}:{parts.port}/{self.name}"
        return {
            SECRET_VARIABLE: self.arn,
            entrypoint.HOST_VARIABLE: str(parts.hostname),
            entrypoint.NAME_VARIABLE: self.name,
            entrypoint.DATABASE_VARIABLE: url,
            "PGPORT": str(parts.port),
            "AWS_ENDPOINT_URL": self._endpoint,
        }

    def execute(self, statement: Any) -> None:
        """Execute a statement as the server's owner."""
        with closing(psycopg2.connect(self._address)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def change_password(self, password: str) -> None:
        """Do the first half of a rotation: the database takes the new password, the secret has the old."""
        self.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(self._role, sql.Literal(password)))

    def promote(self, password: str) -> None:
        """Do the second half: the secret's current version has it, too."""
        text = json.dumps({"username": self.user, "password": password})
        self._secrets.put_secret_value(SecretId=self.arn, SecretString=text)


@pytest.fixture(scope="package")
def aws() -> Iterator[str]:
    """Secrets Manager's address."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (credentials | {"AWS_DEFAULT_REGION": REGION}).items():
            patch.setenv(name, value)
        yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(scope="package")
def database(aws: str) -> Iterator[Database]:
    """An empty database, for the tests of this folder in turn."""
    needs.postgres()
    with PostgresServer() as server:
        yield Database(server, boto3.client("secretsmanager", endpoint_url=aws), aws)


def child_environment(database: Database, home: Path, **more: str) -> Mapping[str, str]:
    """Return the environment of a process that runs Airflow as the control image does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__FARGATE__")}
    return {
        **kept,
        **database.environment,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # In the image, airflow_local_settings.py is beside Airflow.
        "PYTHONPATH": str(ROOT / "worker_image" / "control"),
        **more,
    }
