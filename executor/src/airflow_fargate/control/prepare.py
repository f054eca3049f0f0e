"""`prepare`: make the database ready for this image's Airflow before any component starts.

An empty database gets Airflow's tables and the admin user, under a lock, because several API containers may
start at once. A database that fits is left alone, in well under a second of CPU: Airflow is not imported. Any
other database is an error: migrating it is a decision, so nothing here does it on the way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_fargate.control.database_login import (
    SECRET_VARIABLE,
    DatabaseLogin,
    DatabaseLoginError,
    read_secret,
)
from airflow_fargate.control.entrypoint import FAILED, HOST_VARIABLE, NAME_VARIABLE, say
from airflow_fargate.control.schema import CORE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA_VARIABLE = "AIRFLOW_FARGATE_SCHEMA_FILE"
LOCK = 4_160_715_017
"""The advisory lock that only one `prepare` holds; another number than those of Airflow's own locks."""
CONNECT_SECONDS = 10


class PrepareError(Exception):
    """The database cannot be made ready; the text says why and what to do."""


class Found(Enum):
    """What is in the database, in this image's eyes."""

    EMPTY = "empty"
    READY = "ready"


@dataclass(frozen=True)
class Schema:
    """The schema of this image's Airflow, as `control.schema` wrote it down when the image was built.

    Args:
        airflow: the Airflow release.
        heads: newest revision by the name of the table that holds the database's revision.
        releases: the release that brought a revision, by the same name and by revision.
    """

    airflow: str
    heads: Mapping[str, str]
    releases: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: Path) -> Schema:
        """Read it from the image."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def judge(self, revisions: Mapping[str, str | None], has_users: bool) -> Found:  # noqa: FBT001  a fact of the database
        """Compare a database with this schema.

        Args:
            revisions: its revision by the name of the table that holds it; None where there is no such table.
            has_users: whether there is a user that can log in.

        Raises:
            PrepareError: the database belongs to an older or a newer Airflow.
        """
        for table, head in self.heads.items():
            revision = revisions.get(table)
            if revision in (None, head):
                continue
            release = self.releases[table].get(str(revision))
            of = "Airflow" if table == CORE else "the FAB auth manager"
            if release is None:
                raise PrepareError(
                    f"The database has a schema of {of} (revision {revision}) that is newer than this "
                    f"image's Airflow {self.airflow}: deploy images of the release that migrated it, or "
                    "restore a snapshot."
                )
            raise PrepareError(
                f"The database has the schema of {of} {release}, which is older than this image's Airflow "
                f"{self.airflow}: take a snapshot and run this image with `db migrate`, or deploy the old "
                "images."
            )
        # Made half-way, it counts as empty: Airflow's own migration goes on where it stopped.
        complete = has_users and all(revisions.get(table) == head for table, head in self.heads.items())
        return Found.READY if complete else Found.EMPTY


def prepare(environment: Mapping[str, str] = os.environ) -> int:
    """Make the database ready; return an exit code."""
    try:
        schema = Schema.read(Path(environment[SCHEMA_VARIABLE]))
        with closing(connect(environment)) as connection:
            make_ready(connection, schema)
    except KeyError as error:
        say(f"{error.args[0]} is not set: Terraform's task definition sets it.")
        return FAILED
    except (PrepareError, DatabaseLoginError) as error:
        say(str(error))
        return FAILED
    say(f"the database is ready for Airflow {schema.airflow}.")
    return 0


def make_ready(connection: Any, schema: Schema) -> None:
    """Create what is missing in the database, in one container at a time.

    Raises:
        PrepareError: the database belongs to another release, or Airflow could not create its tables.
    """
    if look(connection, schema) is Found.READY:
        return
    say("waiting for the lock under which the database is prepared.")
    execute(connection, "SELECT pg_advisory_lock(%s)", LOCK)
    if look(connection, schema) is Found.READY:  # another container has done it meanwhile
        return
    create(schema)
    if look(connection, schema) is not Found.READY:
        raise PrepareError("The database is still not ready: the lines above say what Airflow did.")


def create(schema: Schema, run: Callable[..., Any] = subprocess.run) -> None:
    """Create Airflow's tables and the admin user; both may be there already.

    Raises:
        PrepareError: Airflow could not; its own lines say why.
    """
    say(f"creating the tables of Airflow {schema.airflow}; this takes about a minute.")
    for words in (["airflow", "db", "migrate"], ["airflow_fargate.control.admin", "--only-if-missing"]):
        done = run([sys.executable, "-m", *words], check=False)
        if done.returncode:
            command = " ".join(words)
            raise PrepareError(f"`{command}` failed with exit code {done.returncode}: see the lines above.")


def connect(environment: Mapping[str, str]) -> Any:
    """Return a connection to the metadata database that commits by itself.

    Raises:
        DatabaseLoginError: the secret cannot be read.
        PrepareError: the database does not let us in.
    """
    import psycopg2  # noqa: PLC0415  only the control image has it

    host, name, arn = (environment[each] for each in (HOST_VARIABLE, NAME_VARIABLE, SECRET_VARIABLE))
    try:
        connection = DatabaseLogin(lambda: read_secret(arn)).connect(
            lambda login: psycopg2.connect(
                host=host,
                dbname=name,
                user=login.user,
                password=login.password,
                connect_timeout=CONNECT_SECONDS,
            )
        )
    except psycopg2.OperationalError as error:
        said = " ".join(str(error).split())  # libpq writes several lines
        raise PrepareError(f"The database {name} at {host} cannot be reached: {said}") from error
    connection.autocommit = True
    return connection


def look(connection: Any, schema: Schema) -> Found:
    """Compare the database with this image's schema."""
    revisions = {table: _first(connection, table, "version_num") for table in schema.heads}
    return schema.judge(revisions, has_users=_first(connection, "ab_user", "id") is not None)


def _first(connection: Any, table: str, column: str) -> Any:
    """Return a column of a table's first row; None where there is no row or no table."""
    if execute(connection, "SELECT to_regclass(%s)", table) is None:
        return None
    return execute(connection, f"SELECT {column} FROM {table} LIMIT 1")  # noqa: S608  our own names


def execute(connection: Any, statement: str, *values: Any) -> Any:
    """Execute a statement; return the first row's first column, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        row = cursor.fetchone()
    return row[0] if row else None
