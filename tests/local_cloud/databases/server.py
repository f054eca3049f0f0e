"""One PostgreSQL server: its data, its process, and SQL through its own socket."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from local_cloud.databases.programs import ProgramFailed, environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_cloud.databases.programs import Programs

SUPERUSER = "rdsadmin"  # RDS's own; it comes in through the socket only
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
POLL = 0.03
# The data need not outlive the machine, so nothing is spent on that. A commit outlives the server's process.
OPTIONS = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """A server whose data, socket, certificate and log are in `folder`.

    It is not safe to use from several threads, and its process ends with the thread that started it.
    """

    def __init__(self, programs: Programs, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 5432

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    # Data

    def create(self) -> None:
        """Make empty data."""
        self._make_folder()
        options = ["-U", SUPERUSER, "--auth-local=trust", "--auth-host=reject", "-E", "UTF8", "-N"]
        self._programs.run("initdb", "-D", str(self._data), "--locale=C.UTF-8", *options)

    def restore(self, backup: Path) -> None:
        """Use a copy of a backup as the data."""
        self._make_folder()
        self._copy(backup, self._data)

    def back_up(self, target: Path) -> None:
        """Copy the data of a server that runs to a new folder; that of one that does not, as it is."""
        if not self.running:
            self._copy(self._data, target)
            return
        target.mkdir(mode=0o700)
        self._programs.own(target)
        where = ["-h", str(self._folder), "-p", str(self._port), "-U", SUPERUSER]
        self._programs.run("pg_basebackup", "-D", str(target), *where, "-c", "fast", "--no-sync")

    def delete(self) -> None:
        """Remove everything; the server must have been stopped."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True)
        self._programs.own(self._folder)

    def _copy(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target)
        for path in (target, *target.rglob("*")):
            self._programs.own(path)
        target.chmod(0o700)
        for name in ("postmaster.pid", "postmaster.opts"):
            (target / name).unlink(missing_ok=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    # Configuration

    def configure(self, settings: Mapping[str, str], *, force_ssl: bool) -> None:
        """Write the settings and the rules of who comes in; a server that runs reads them at once."""
        lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
        self._write("data/postgresql.auto.conf", "\n".join([*lines, ""]))
        kind = "hostssl" if force_ssl else "host"
        rules = ("local all all trust", "local replication all trust", f"{kind} all all all scram-sha-256")
        self._write("data/pg_hba.conf", "\n".join([*rules, ""]))
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGHUP)

    def use_certificate(self, certificate: str, key: str) -> None:
        """Use a certificate and its key (PEM) from the next start on."""
        self._write("server.crt", certificate)
        self._write("server.key", key)

    def _write(self, name: str, text: str) -> None:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        self._programs.own(file)

    # Process

    def start(self, address: str, port: int) -> None:
        """Start on an address and wait until it takes connections; raises ProgramFailed."""
        self._port = port
        options = {
            **OPTIONS,
            "listen_addresses": address,
            "port": str(port),
            "unix_socket_directories": str(self._folder),
            "ssl": "on",
            "ssl_cert_file": str(self._folder / "server.crt"),
            "ssl_key_file": str(self._folder / "server.key"),
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._programs.command("postgres", "-D", str(self._data), *words, end_with_parent=True),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._accepts():
            if not self.running or time.monotonic() > deadline:
                self.stop(signal.SIGQUIT)
                raise ProgramFailed(f"PostgreSQL did not start: {self._last_lines()}")
            time.sleep(POLL)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the process; SIGINT closes connections and writes all data, SIGQUIT does neither."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def execute(self, statements: str, database: str = "postgres") -> str:
        """Run SQL as the superuser; returns what psql prints. Raises ProgramFailed."""
        where = ["-h", str(self._folder), "-p", str(self._port), "-U", SUPERUSER, "-d", database]
        options = ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"]
        return self._programs.run("psql", *where, *options, "-f", "-", given=statements).strip()

    def _accepts(self) -> bool:
        with contextlib.suppress(ProgramFailed):
            self._programs.run("pg_isready", "-q", "-h", str(self._folder), "-p", str(self._port))
            return True
        return False

    def _last_lines(self) -> str:
        text = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        return " ".join(text.strip().splitlines()[-3:])


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
