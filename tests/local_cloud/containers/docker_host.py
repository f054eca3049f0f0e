"""The Docker engine we use: its address, its bridge, its images, and what we have put there."""

from __future__ import annotations

import contextlib
import io
import tarfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests
from docker.utils import kwargs_from_env

from local_cloud.containers import pause
from local_cloud.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL = "airflow-fargate.local-cloud"
PAUSE_IMAGE = "airflow-fargate-pause:1"
CALL_TIMEOUT = 60


@dataclass(frozen=True)
class Image:
    """An image that is there: Docker's id, its digest in the registry if known, its VOLUME paths."""

    image_id: str
    digest: str | None
    volumes: frozenset[str]


class ImageMissing(Exception):  # noqa: N818 - named for what is the case
    """The image is not here and cannot be pulled; the message is Docker's."""


class DockerHost:
    """A Docker engine that answers. Raises StartError with one sentence when none does.

    address: for instance unix:///var/run/docker.sock; the environment's DOCKER_HOST and Docker's default when
    None.
    """

    def __init__(self, address: str | None = None) -> None:
        self.api: Any  # half of its methods have no types
        try:
            if address is None:
                self.api = docker.APIClient(version="auto", timeout=CALL_TIMEOUT, **kwargs_from_env())
            else:
                self.api = docker.APIClient(base_url=address, version="auto", timeout=CALL_TIMEOUT)
            information = self.api.info()
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            where = address or "the default address"
            raise StartError(
                f"No Docker engine answers at {where}: start one or name its address with --docker-host "
                f"({_first_line(error)})."
            ) from error
        self.cpus = int(information.get("NCPU") or 1)
        self.gateway, self.bridge = self._default_bridge()
        self._pulling: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def _default_bridge(self) -> tuple[str, str]:
        try:
            network = self.api.inspect_network("bridge")
        except docker.errors.NotFound as error:
            raise StartError(
                "The Docker engine has no bridge network: start it without --bridge=none."
            ) from error
        ranges = (network.get("IPAM") or {}).get("Config") or [{}]
        gateway = next((item["Gateway"] for item in ranges if item.get("Gateway")), "172.17.0.1")
        name = (network.get("Options") or {}).get("com.docker.network.bridge.name", "docker0")
        return gateway, name

    def image(self, reference: str, *, refresh: bool) -> Image:
        """The image, pulled when it is missing, or always with `refresh`; raises ImageMissing."""
        with self._lock:
            lock = self._pulling.setdefault(reference, threading.Lock())
        with lock:
            if refresh:
                self._pull(reference)
            try:
                return self._inspect(reference)
            except docker.errors.ImageNotFound:
                if refresh:
                    raise ImageMissing(f"{reference}: not found") from None
                self._pull(reference)
                return self._inspect(reference)

    def _inspect(self, reference: str) -> Image:
        found = self.api.inspect_image(reference)
        digests = found.get("RepoDigests") or []
        declared = (found.get("Config") or {}).get("Volumes") or {}
        return Image(
            image_id=found["Id"],
            digest=digests[0].partition("@")[2] if digests else found["Id"],
            volumes=frozenset(path.rstrip("/") for path in declared),
        )

    def _pull(self, reference: str) -> None:
        repository, tag = _split_tag(reference)
        try:
            for line in self.api.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in line:
                    raise ImageMissing(f"{reference}: {_first_line(line['error'])}")
        except docker.errors.APIError as error:
            raise ImageMissing(f"{reference}: {_first_line(error.explanation)}") from error

    def pause_image(self) -> str:
        """The image whose one process only waits; it holds the network of tasks with several containers."""
        try:
            self.api.inspect_image(PAUSE_IMAGE)
        except docker.errors.ImageNotFound:
            archive = io.BytesIO()
            binary = pause.binary(self.api.version().get("Arch", "amd64"))
            with tarfile.open(fileobj=archive, mode="w") as tar:
                member = tarfile.TarInfo("pause")
                member.size, member.mode = len(binary), 0o755
                tar.addfile(member, io.BytesIO(binary))
            name, tag = _split_tag(PAUSE_IMAGE)
            self.api.import_image_from_data(archive.getvalue(), repository=name, tag=tag)
        return PAUSE_IMAGE

    def create(self, name: str, body: Mapping[str, Any]) -> str:
        """Create a container from Docker's own request body; returns its id."""
        created = self.api.create_container_from_config(dict(body), name)
        return str(created["Id"])

    def kill(self, container_id: str) -> None:
        """Send SIGKILL to a container's process; harmless if it has ended."""
        with contextlib.suppress(docker.errors.NotFound, docker.errors.APIError):
            self.api.kill(container_id, "SIGKILL")

    def remove(self, container_id: str) -> None:
        """Kill and remove a container with its anonymous volumes; harmless when it is gone."""
        try:
            self.api.remove_container(container_id, v=True, force=True)
        except docker.errors.NotFound:
            pass
        except docker.errors.APIError as error:
            if "already in progress" not in str(error):
                raise

    def remove_all(self, instance: str) -> int:
        """Remove every container and volume of an instance; returns how many containers there were."""
        chosen = {"label": f"{LABEL}={instance}"}
        containers = self.api.containers(all=True, quiet=True, filters=chosen)
        for container in containers:
            self.remove(container["Id"])
        for volume in (self.api.volumes(filters=chosen) or {}).get("Volumes") or []:
            self.remove_volume(volume["Name"])
        return len(containers)

    def remove_volume(self, name: str) -> None:
        """Remove a volume; harmless when it is gone."""
        with contextlib.suppress(docker.errors.NotFound):
            self.api.remove_volume(name, force=True)


def _split_tag(reference: str) -> tuple[str, str]:
    if "@" in reference:
        name, _, digest = reference.partition("@")
        return name, digest
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
