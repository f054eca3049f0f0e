"""What the person asked for, read once from the environment, and where things are kept."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from smoke.airflow_releases import AirflowRelease, find_release
from smoke.failure import SmokeError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
PORTS = ("AIRFLOW_PORT", "CLOUD_PORT", "REGISTRY_PORT", "POSTGRES_PORT")
REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """One smoke's choices.

    Args:
        state: what this run writes: logs, Terraform's copy, Airflow's home. Emptied by the next run.
        cache: what the next run uses again: engine's data, base image, pushed layers; also the lock and the
            journal, so that two clones of the repository know of each other.
        database: where Airflow's metadata lives.
        keep: leave everything up after a run that passed or failed.
        given_ports: ports the person chose, by variable name.
        base_image: base of the worker image; empty for the Dockerfile's own default.
        release: the Airflow that runs.
    """

    state: Path
    cache: Path
    database: Literal["sqlite", "postgres"]
    keep: bool
    given_ports: dict[str, int]
    base_image: str
    release: AirflowRelease = field(default_factory=find_release)

    @property
    def logs(self) -> Path:
        """Folder of one log file per step and service."""
        return self.state / "logs"

    def port(self, name: str, host: str = "127.0.0.1") -> int:
        """Return the port the person gave under this name, else a free one on ``host``."""
        return self.given_ports.get(name) or free_port(host)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_in_use(port: int, host: str = "") -> bool:
    """Tell whether something already listens on the port, on any address of this machine by default."""
    with socket.socket() as probe:
        # Without it a connection in TIME_WAIT from the last run would count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Parse the environment.

    Raises:
        SmokeError: a variable has a value that is not allowed.
    """
    release = find_release(environment.get("AIRFLOW", ""))
    database = environment.get("DB") or release.first_database
    if database not in {"sqlite", "postgres"}:
        raise SmokeError(
            f"DB={database} is not known: use DB=sqlite (the default on Airflow 3) or DB=postgres."
        )
    release.check_database(database)
    ports: dict[str, int] = {}
    for name in PORTS:
        text = environment.get(name, "")
        if not text:
            continue
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise SmokeError(f"{name}={text} is no port: give a number from 1 to 65535, or leave it out.")
        ports[name] = int(text)
    home = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/root")) / ".cache")
    return Settings(
        state=ROOT / ".smoke",
        cache=home / "airflow-fargate",
        database="postgres" if database == "postgres" else "sqlite",
        keep=environment.get("KEEP", "0") not in {"", "0", "no", "false"},
        given_ports=ports,
        base_image=environment.get("BASE_IMAGE", ""),
        release=release,
    )
