"""A PostgreSQL of the smoke's own, in a folder that goes away with it."""

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
"""The data does not outlive the run, so nothing is spent on keeping it."""


def _programs_folder() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs."""
    debian = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if debian:
        return debian[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def obtainable() -> bool:
    """Say whether PostgreSQL is here, or may be installed."""
    return _programs_folder() is not None or (os.geteuid() == 0 and shutil.which("apt-get") is not None)


def install_postgres(programs: Programs) -> None:
    """Install PostgreSQL unless it is here; its service is not started."""
    if _programs_folder() is None:
        install(programs, ["postgresql"], "PostgreSQL is needed")


def _account() -> list[str]:
    """Return the words that run a command as the user PostgreSQL may run as: it refuses root."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL that is up.

    Args:
        port: on loopback, and on the address that containers were to reach it at.
        password: of its only user; new for every run.
    """

    port: int
    password: str

    def url(self, host: str = "127.0.0.1") -> str:
        """Return SQLAlchemy's address of its database."""
        return f"postgresql+psycopg2://airflow:{self.password}@{host}:{self.port}/airflow"


def start_postgres(programs: Programs, port: int, for_containers: str = "") -> Postgres:
    """Initialise and start PostgreSQL on loopback, and on the host's address for containers where given."""
    install_postgres(programs)
    tools = _programs_folder()
    if tools is None:
        raise SmokeError("PostgreSQL's initdb is needed: install PostgreSQL, or leave DB out on Airflow 3.")
    account = _account()
    # Not below the repository: the account that runs it may not be able to enter there.
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
        stop_signal=signal.SIGINT,  # fast: it does not wait for clients
    )
    ready = [str(tools / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    # It listens before it takes anybody in: a connection alone says too little.
    programs.wait_until(service, lambda: subprocess.run(ready, check=False).returncode == 0, 60)
    create = [str(tools / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "airflow", "airflow"]
    programs.run(create, "postgres-createdb", env={**os.environ, "PGPASSWORD": password})
    return Postgres(port, password)
