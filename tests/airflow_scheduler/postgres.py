"""A PostgreSQL server for one session, and a database per test, copied from a template."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from smoke.journal import Journal
from smoke.postgres import start_postgres
from smoke.processes import Programs

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

TESTS = Path(__file__).resolve().parents[1]
_numbers = itertools.count(1)


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A running server; a context manager that leaves nothing behind. Installs PostgreSQL if it is missing.

    Raises:
        SmokeError: PostgreSQL is missing and this process cannot install it, or it did not start.
    """

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="airflow-fargate-postgres-logs-")
        folder = Path(self._folder.name)
        self._journal = Journal(folder / "up.jsonl")
        self._guard = start_guard(folder)
        self._programs = Programs(self._journal, folder, {}, threading.Event())
        try:
            self._server = start_postgres(self._programs, free_port())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def url(self, name: str) -> str:
        """Return SQLAlchemy's address of a database."""
        return self._server.url().rpartition("/")[0] + f"/{name}"

    def create(self, template: str = "template1") -> str:
        """Create a database as a copy of one without connections; return its name."""
        name = f"airflow_{next(_numbers)}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return name

    def drop(self, name: str) -> None:
        """Drop a database and its connections."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: Any) -> None:
        address = self._server.url().replace("+psycopg2", "")
        with closing(psycopg2.connect(address)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def _close(self) -> None:
        for entry in reversed(list(self._journal)):
            self._journal.undo(entry)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait(30)
        self._folder.cleanup()


def start_guard(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that undoes the folder's journal when this process ends, even if it is killed.

    It waits for the end of its standard input, which the kernel closes.
    """
    command = [sys.executable, "-m", "airflow_scheduler.postgres", str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=TESTS, start_new_session=True)


def _guard(folder: Path) -> None:
    sys.stdin.buffer.read()
    journal = Journal(folder / "up.jsonl")
    for entry in reversed(list(journal)):
        journal.undo(entry)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
