"""The container engine: the one that is running, or a private dockerd for this run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.apt import can_install, find_program, install
from smoke.bridge import make_bridge
from smoke.failure import SmokeError
from smoke.processes import last_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smoke.processes import Programs
    from smoke.settings import Settings

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
PACKAGES = ("docker.io", "tini", "iptables", "iproute2", "ca-certificates")


@dataclass(frozen=True)
class Engine:
    """A running container engine.

    Args:
        host: its address, as in DOCKER_HOST.
        gateway: this machine's address for its containers.
        client: path of the docker command line.
        version: the engine's version.
        private: whether it was started by this run.
    """

    host: str
    gateway: str
    client: str
    version: str
    private: bool

    @property
    def environment(self) -> dict[str, str]:
        """The environment for docker's command line and for scripts that call ``docker``."""
        path = os.pathsep.join([str(Path(self.client).parent), os.environ.get("PATH", "")])
        return {
            **os.environ,
            "DOCKER_HOST": self.host,
            "DOCKER_BUILDKIT": "1",
            "DOCKER": self.client,
            "PATH": path,
        }

    def ask(self, *arguments: str, timeout: float = 60) -> str | None:
        """Return the output of ``docker ARGUMENTS``, or None if it fails."""
        done = subprocess.run(
            [self.client, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return done.stdout.strip() if done.returncode == 0 else None


def find_client() -> str | None:
    """Return the docker command line to use.

    Debian's client comes first: it builds with BuildKit, while newer clients need the buildx plugin.
    """
    return find_program("/usr/bin/docker") or find_program("docker")


def _version(client: str, host: str) -> str | None:
    """Return the engine's version, or None if nothing answers at ``host``."""
    try:
        done = subprocess.run(
            [client, "-H", host, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=15,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def find_engine(environment: Mapping[str, str]) -> Engine | None:
    """Return the engine that answers at DOCKER_HOST or the default socket, or None.

    Raises:
        SmokeError: DOCKER_HOST is another machine, whose containers could not call this one.
    """
    client = find_client()
    host = environment.get("DOCKER_HOST") or DEFAULT_SOCKET
    if not host.startswith("unix://"):
        raise SmokeError(f"DOCKER_HOST={host} is not on this machine: unset it, or name a unix:// socket.")
    version = _version(client, host) if client else None
    if client is None or version is None:
        return None
    engine = Engine(host, "", client, version, private=False)
    described = json.loads(engine.ask("network", "inspect", "bridge") or "[]")
    addresses = [item.get("Gateway") for network in described for item in network["IPAM"]["Config"]]
    if not addresses or not addresses[0]:
        raise SmokeError(f"The engine at {host} has no default bridge network: restart it with one.")
    return Engine(host, addresses[0], client, version, private=False)


def engine_can_be_had(environment: Mapping[str, str]) -> bool:
    """Return whether an engine answers or can be started here."""
    return find_engine(environment) is not None or can_install()


def check_engine_can_be_had(environment: Mapping[str, str]) -> None:
    """Raise :class:`SmokeError` if no engine answers and none can be started."""
    if not engine_can_be_had(environment):
        raise SmokeError(
            "No container engine answers, and only root can start one: start Docker (and join its group), "
            "or run this as root on Debian or Ubuntu."
        )


def ensure_engine(programs: Programs, settings: Settings) -> Engine:
    """Return an engine: the one that answers, or a private one, which is installed if it is missing.

    The private engine keeps its images in the cache folder and everything else in a temporary folder. It
    reads none of the machine's configuration and uses neither its docker0 nor its containerd.
    """
    engine = find_engine(os.environ)
    if engine is not None:
        return engine
    if find_program("dockerd") is None or find_program("/usr/bin/docker") is None or not _init_program():
        install(programs, PACKAGES, "No container engine answers")
        engine = find_engine(os.environ)
        if engine is not None:
            return engine
    client = find_client()
    if client is None:
        raise SmokeError("The container engine's packages are installed, but there is no `docker` program.")
    bridge = make_bridge(programs)
    # A socket's path has at most 107 characters, so it cannot be in a deep folder.
    run = Path(tempfile.mkdtemp(prefix="airflow-fargate-"))
    programs.journal.add("folder", "the engine's run folder", path=str(run))
    data = settings.cache / "engine"
    data.mkdir(parents=True, exist_ok=True)
    (run / "daemon.json").write_text("{}", encoding="utf-8")
    host = f"unix://{run}/docker.sock"
    service = programs.start(
        "container engine",
        [
            find_program("dockerd") or "dockerd",
            f"--config-file={run}/daemon.json",
            f"--data-root={data}",
            f"--exec-root={run}/exec",
            f"--pidfile={run}/docker.pid",
            f"--host={host}",
            f"--bridge={bridge.name}",
            "--iptables=false",
            "--ip-forward=false",
            f"--init-path={_init_program()}",
        ],
        grace=30,
    )
    programs.wait_until(service, lambda: _version(client, host) is not None, 60)
    version = _version(client, host)
    if version is None:
        raise SmokeError(f"The container engine does not answer: see {service.log}.", last_lines(service.log))
    # Containers outlive the daemon, because their shims do. So remove them first.
    programs.journal.add("command", "containers", command=[*_REMOVE_CONTAINERS, client, host], may_fail=True)
    return Engine(host, bridge.gateway, client, version, private=True)


_REMOVE_CONTAINERS = (
    "sh",
    "-c",
    'all=$("$0" -H "$1" ps -aq) && [ -z "$all" ] || "$0" -H "$1" rm -f -v $all',
)


def _init_program() -> str | None:
    """Return the program that becomes PID 1 in a container with an init."""
    return shutil.which("docker-init") or find_program("tini-static", ["/usr/bin"]) or shutil.which("tini")
