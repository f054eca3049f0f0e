"""A PostgreSQL server in a temporary folder."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.apt import install
from smoke.failure import SmokeError

if TYPE_CHECKING:
    from smoke.processes import Programs

VERSIONS = Path("/usr/lib/postgresql")
OPTIONS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=128MB")
"""The data does not outlive the run, so durability is off."""


def _programs_folder() -> Path | None:
    """Return the folder with the programs of the newest PostgreSQL."""
    debian = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if debian:
        return debian[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def obtainable() -> bool:
    """Return whether PostgreSQL is installed or can be."""
    return _programs_folder() is not None or (os.geteuid() == 0 and shutil.which("apt-get") is not None)


def install_postgres(programs: Programs) -> None:
    """Install PostgreSQL unless it is here; its service is not started."""
    if _programs_folder() is None:
        install(programs, ["postgresql"], "PostgreSQL is needed")


def _account() -> list[str]:
    """Return the prefix that runs a command as another user: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL.

    Args:
        port: on loopback, and on the address for containers.
        password: of its only user; new for every run.
    """

    port: int
    password: str

    def url(self, host: str = "127.0.0.1") -> str:
        """Return SQLAlchemy's address of the database."""
        return f"postgresql+psycopg2://airflow:{self.password}@{host}:{self.port}/airflow"


def start_postgres(programs: Programs, port: int, for_containers: str = "") -> Postgres:
    """Initialise and start PostgreSQL on loopback and, if given, on an address for containers."""
    install_postgres(programs)
    tools = _programs_folder()
    if tools is None:
        raise SmokeError("PostgreSQL's initdb is needed: install PostgreSQL, or leave DB out on Airflow 3.")
    account = _account()
    # Not inside the repository, which the account that runs PostgreSQL may not be able to enter.
    folder = Path(tempfile.mkdtemp(prefix="airflow-fargate-postgres-"))
    programs.journal.add("folder", "PostgreSQL's data", path=str(folder))
    if account:
        shutil.chown(folder, account[1].partition("=")[2])
    data, password, secret = str(folder / "data"), secrets.token_hex(16), folder / "password"
    secret.write_text(password, encoding="utf-8")
    command = [
        *account,
        str(tools / "initdb"),
        "-D",
        data,
        "-U",
        "airflow",
        "-A",
        "scram-sha-256",
        f"--pwfile={secret}",
        "-E",
        "UTF8",
        "-N",
    ]
    programs.run([*command, "--locale=C"], "postgres-initdb", cwd=folder)
    secret.unlink()
    if for_containers:
        with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write("host airflow airflow samenet scram-sha-256\n")
    options = [word for option in OPTIONS for word in ("-c", option)]
    addresses = ",".join(["127.0.0.1", *for_containers.split()])
    listen = ["-h", addresses, "-p", str(port), "-k", str(folder)]
    service = programs.start(
        "PostgreSQL",
        [*account, str(tools / "postgres"), "-D", data, *listen, *options],
        cwd=folder,
        stop_signal=signal.SIGINT,  # a fast shutdown, which does not wait for clients
    )
    ready = [str(tools / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    # It listens before it accepts logins, so an open port is not enough.
    programs.wait_until(service, lambda: subprocess.run(ready, check=False).returncode == 0, 60)
    create = [str(tools / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "airflow", "airflow"]
    programs.run(create, "postgres-createdb", env={**os.environ, "PGPASSWORD": password})
    return Postgres(port, password)
