"""The user's choices, read once from the environment, and the folders."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from smoke.airflow_releases import AirflowRelease, find_release
from smoke.failure import SmokeError
from smoke.postgres import obtainable

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
PORTS = ("AIRFLOW_PORT", "CLOUD_PORT", "REGISTRY_PORT", "POSTGRES_PORT")
REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """The choices for one run.

    Args:
        state: folder for this run: logs, Terraform's copy, Airflow's home. The next run empties it.
        cache: folder for later runs: the engine's data, base image and pushed layers. It also has the lock
            and the journal, so that clones of the repository know of each other.
        database: the kind of Airflow's metadata database.
        keep: whether everything keeps running after the run.
        given_ports: chosen ports, by variable name.
        base_image: base of the worker image; empty for the Dockerfile's default.
        release: the Airflow release.
        own_airflow: whether your own Airflow runs beside the deployment, instead of in it.
        faults: whether to run the faults as well, which takes ten minutes.
        pictures: folder for pictures of Airflow's pages.
        airflow_host: with ``keep``, this machine's address on which Airflow's page answers.
    """

    state: Path
    cache: Path
    database: Literal["sqlite", "postgres"]
    keep: bool
    given_ports: dict[str, int]
    base_image: str
    release: AirflowRelease = field(default_factory=find_release)
    own_airflow: bool = False
    faults: bool = False
    pictures: Path | None = None
    airflow_host: str = "127.0.0.1"

    @property
    def logs(self) -> Path:
        """The folder of the log files, one per step and service."""
        return self.state / "logs"

    def read_log(self, name: str) -> str:
        """Return the text of a step's or a service's log so far."""
        return (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def port(self, name: str, host: str = "127.0.0.1") -> int:
        """Return the port chosen under this name, or a free one on ``host``."""
        return self.given_ports.get(name) or free_port(host)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_in_use(port: int, host: str = "") -> bool:
    """Return whether something listens on the port, by default on any address of this machine."""
    with socket.socket() as probe:
        # Without this, a connection of the last run in TIME_WAIT would count as a listener.
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
    own_airflow = _is_set(environment, "OWN_AIRFLOW") or not release.can_be_deployed
    faults = _is_set(environment, "FAULTS")
    for name, given in (("FAULTS", faults), ("PICTURES", environment.get("PICTURES"))):
        if own_airflow and given:
            raise SmokeError(
                f"{name} needs the complete deployment, and this is your own Airflow beside it: leave {name} "
                "out, or OWN_AIRFLOW and AIRFLOW."
            )
    if environment.get("DB") and not own_airflow:
        raise SmokeError("DB needs OWN_AIRFLOW=1: the complete deployment always has PostgreSQL.")
    # SQLite serves where PostgreSQL cannot be had: under load, Airflow gives up on "database is locked".
    found = "postgres" if obtainable() or not release.takes_sqlite else "sqlite"
    database = environment.get("DB") or found
    if database not in {"sqlite", "postgres"}:
        raise SmokeError(f"DB must be postgres (the default) or sqlite, got DB={database}.")
    release.check_database(database)
    ports: dict[str, int] = {}
    for name in PORTS:
        text = environment.get(name, "")
        if not text:
            continue
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise SmokeError(f"{name} must be a port from 1 to 65535, got {name}={text}.")
        ports[name] = int(text)
    home = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/root")) / ".cache")
    return Settings(
        state=ROOT / ".smoke",
        cache=home / "airflow-fargate",
        database="postgres" if database == "postgres" else "sqlite",
        keep=_is_set(environment, "KEEP"),
        given_ports=ports,
        base_image=environment.get("BASE_IMAGE", ""),
        release=release,
        own_airflow=own_airflow,
        faults=faults,
        airflow_host=environment.get("AIRFLOW_HOST") or "127.0.0.1",
        pictures=Path(environment["PICTURES"]).resolve() if environment.get("PICTURES") else None,
    )


def _is_set(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name) or "0"
    if value not in {"0", "1"}:
        raise SmokeError(f"{name} must be 0 or 1, got {name}={value}.")
    return value == "1"
