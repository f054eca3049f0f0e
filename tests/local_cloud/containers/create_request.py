"""What Docker is asked for, from a container definition. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.ecs.definitions import ContainerDefinition, TaskDefinition

UNITS = 1024
MIB = 1024 * 1024
MIN_MEMORY = 6 * MIB  # Docker refuses less


@dataclass(frozen=True)
class Surroundings:
    """What a container finds around it that its definition does not say.

    environment: set unless the definition sets the same names. network_mode: Docker's word for where it runs.
    host_address: the host as containers reach it. name_server: its DNS server, the engine's when None.
    volumes: names of the task's volumes in Docker.
    declared_paths: the paths the image declares as VOLUME. host_cpus: how many the machine has.
    """

    image: str
    name: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    network_mode: str
    host_address: str
    host_cpus: int
    hostname: str | None = None
    name_server: str | None = None
    volumes: Mapping[str, str] = field(default_factory=dict)
    declared_paths: frozenset[str] = frozenset()


def create_request(
    container: ContainerDefinition, task: TaskDefinition, around: Surroundings
) -> dict[str, Any]:
    """The body of Docker's "create container"."""
    environment = {**around.environment, **container.environment, **around.secrets}
    body: dict[str, Any] = {
        "Image": around.image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": {**container.docker_labels, **around.labels},
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": host_config(container, task, around),
    }
    if container.command is not None:
        body["Cmd"] = list(container.command)
    if container.entry_point is not None:
        body["Entrypoint"] = list(container.entry_point)
    if container.user is not None:
        body["User"] = container.user
    if container.working_directory is not None:
        body["WorkingDir"] = container.working_directory
    if around.hostname is not None:
        body["Hostname"] = around.hostname
    # ECS does not run the HEALTHCHECK of an image.
    check = container.health_check
    body["Healthcheck"] = {"Test": ["NONE"]} if check is None else _health_check(check)
    return body


def host_config(container: ContainerDefinition, task: TaskDefinition, around: Surroundings) -> dict[str, Any]:
    """Limits, mounts and the rest of Docker's HostConfig.

    Every container may use what the whole task has, cpu and memory, unless its own definition says less.
    """
    config: dict[str, Any] = {
        "NetworkMode": around.network_mode,
        "ReadonlyRootfs": container.readonly_root,
        "Init": container.init,
        "CapAdd": list(container.add_capabilities),
        "CapDrop": list(container.drop_capabilities),
        "Ulimits": [{"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in container.ulimits],
        "Mounts": [
            _mount(mount.volume, mount.path, mount.read_only, around) for mount in container.mount_points
        ],
        # The output goes through us to CloudWatch Logs; a copy on disk would only need cleaning up.
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
        "Sysctls": dict(container.system_controls),
    }
    if not around.network_mode.startswith("container:"):
        config.update(addressing(around.host_address, around.name_server))
    limit = container.memory or task.memory
    if limit:
        config["Memory"] = config["MemorySwap"] = max(limit * MIB, MIN_MEMORY)
    if container.memory_reservation:
        config["MemoryReservation"] = max(container.memory_reservation * MIB, MIN_MEMORY)
    cpu = task.cpu or container.cpu
    if cpu:
        config["NanoCpus"] = min(cpu * 1_000_000_000 // UNITS, around.host_cpus * 1_000_000_000)
    if container.cpu:
        config["CpuShares"] = max(container.cpu, 2)
    return config


def addressing(host_address: str, name_server: str | None) -> dict[str, Any]:
    """The part of HostConfig that says where names lead, for what owns a network."""
    return {
        "ExtraHosts": [f"host.docker.internal:{host_address}"],
        **({} if name_server is None else {"Dns": [name_server]}),
    }


def map_image(reference: str, registry: str | None) -> str:
    """An image of the emulated ECR, where the local registry has it; any other reference unchanged."""
    host, slash, rest = reference.partition("/")
    if registry is not None and slash and ".dkr.ecr." in host and ".amazonaws.com" in host:
        return f"{registry}/{rest}"
    return reference


def _mount(volume: str, path: str, read_only: bool, around: Surroundings) -> dict[str, Any]:  # noqa: FBT001
    # As on Fargate: what the image holds at the path, and whose it is, shows in the volume only when the
    # image declares the path as VOLUME; otherwise the volume is empty, root's, 0755.
    return {
        "Type": "volume",
        "Source": around.volumes[volume],
        "Target": path,
        "ReadOnly": read_only,
        "VolumeOptions": {"NoCopy": path.rstrip("/") not in around.declared_paths},
    }


def _health_check(check: Mapping[str, Any]) -> dict[str, Any]:
    second = 1_000_000_000
    interval = int(check.get("interval") or 30) * second
    return {
        "Test": list(check.get("command", [])),
        "Interval": interval,
        "Timeout": int(check.get("timeout") or 5) * second,
        "Retries": int(check.get("retries") or 3),
        "StartPeriod": int(check.get("startPeriod") or 0) * second,
        # Docker would check every 5 s during the start period; ECS keeps the interval.
        "StartInterval": interval,
    }
