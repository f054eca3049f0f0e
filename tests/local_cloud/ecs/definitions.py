"""Task definitions, parsed once from ECS's own documents, and Fargate's sizes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.records import evolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_STOP_TIMEOUT = 30
GIB = 1024

# vCPU units -> the memory sizes (MiB) Fargate has for them.
FARGATE_SIZES: dict[int, tuple[int, ...]] = {
    256: (512, GIB, 2 * GIB),
    512: tuple(range(GIB, 4 * GIB + 1, GIB)),
    1024: tuple(range(2 * GIB, 8 * GIB + 1, GIB)),
    2048: tuple(range(4 * GIB, 16 * GIB + 1, GIB)),
    4096: tuple(range(8 * GIB, 30 * GIB + 1, GIB)),
    8192: tuple(range(16 * GIB, 60 * GIB + 1, 4 * GIB)),
    16384: tuple(range(32 * GIB, 120 * GIB + 1, 8 * GIB)),
}


@dataclass(frozen=True)
class MountPoint:
    """Where a volume of the task shows in a container."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True)
class Dependency:
    """This container starts when that one has reached START, COMPLETE, SUCCESS or HEALTHY."""

    container: str
    condition: str


@dataclass(frozen=True)
class ContainerDefinition:
    """One container of a task definition, overrides applied where the name says so.

    cpu in units (1,024 a vCPU), memory in MiB, stop_timeout and start_timeout in seconds. `secrets` maps a
    variable's name to the ARN (or parameter name) it comes from.
    """

    name: str
    image: str
    essential: bool = True
    cpu: int = 0
    memory: int | None = None
    memory_reservation: int | None = None
    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    working_directory: str | None = None
    readonly_root: bool = False
    init: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    ulimits: tuple[tuple[str, int, int], ...] = ()
    mount_points: tuple[MountPoint, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    log_driver: str | None = None
    log_options: Mapping[str, str] = field(default_factory=dict)
    docker_labels: Mapping[str, str] = field(default_factory=dict)
    system_controls: Mapping[str, str] = field(default_factory=dict)
    health_check: Mapping[str, Any] | None = None
    stop_timeout: int = DEFAULT_STOP_TIMEOUT
    start_timeout: int | None = None


@dataclass(frozen=True)
class TaskDefinition:
    """A task definition's revision; cpu in units and memory in MiB, None where it leaves them out."""

    arn: str
    family: str
    revision: int
    containers: tuple[ContainerDefinition, ...]
    cpu: int | None = None
    memory: int | None = None
    network_mode: str = "awsvpc"
    compatibilities: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    architecture: str = "x86_64"
    ephemeral_storage: int = 20
    task_role_arn: str | None = None
    execution_role_arn: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    active: bool = True

    def container(self, name: str) -> ContainerDefinition | None:
        """The container of that name, or None."""
        return next((container for container in self.containers if container.name == name), None)


def parse_units(text: str | int | None, *, gigabytes: bool = False) -> int | None:
    """CPU units from '256' or '.25 vCPU', MiB from '512' or '0.5 GB'; raises ValueError for anything else."""
    if text is None or text == "":
        return None
    words = str(text).lower().replace("vcpu", " vcpu").replace("gb", " gb").split()
    if len(words) == 1:
        return int(words[0])
    unit = "gb" if gigabytes else "vcpu"
    if len(words) == 2 and words[1] == unit:
        return int(float(words[0]) * 1024)
    raise ValueError(f"{text!r} is neither a whole number nor a number of {unit}")


def parse_task_definition(document: Mapping[str, Any]) -> TaskDefinition:
    """A TaskDefinition from ECS's own document (as DescribeTaskDefinition answers it)."""
    platform = document.get("runtimePlatform") or {}
    storage = document.get("ephemeralStorage") or {}
    return TaskDefinition(
        arn=document["taskDefinitionArn"],
        family=document["family"],
        revision=int(document["revision"]),
        containers=tuple(parse_container(item) for item in document["containerDefinitions"]),
        cpu=parse_units(document.get("cpu")),
        memory=parse_units(document.get("memory"), gigabytes=True),
        network_mode=document.get("networkMode") or "bridge",
        compatibilities=tuple(document.get("requiresCompatibilities") or ()),
        volumes=tuple(volume["name"] for volume in document.get("volumes") or ()),
        architecture="arm64" if platform.get("cpuArchitecture") == "ARM64" else "x86_64",
        ephemeral_storage=int(storage.get("sizeInGiB", 20)),
        task_role_arn=document.get("taskRoleArn"),
        execution_role_arn=document.get("executionRoleArn"),
        tags=parse_tags(document.get("tags") or ()),
        active=document.get("status", "ACTIVE") == "ACTIVE",
    )


def parse_container(document: Mapping[str, Any]) -> ContainerDefinition:
    """One entry of `containerDefinitions`."""
    linux = document.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    logs = document.get("logConfiguration") or {}
    return ContainerDefinition(
        name=document["name"],
        image=document["image"],
        essential=document.get("essential", True) is not False,
        cpu=int(document.get("cpu") or 0),
        memory=_optional_int(document.get("memory")),
        memory_reservation=_optional_int(document.get("memoryReservation")),
        command=_words(document.get("command")),
        entry_point=_words(document.get("entryPoint")),
        environment=_pairs(document.get("environment"), "value"),
        secrets=_pairs(document.get("secrets"), "valueFrom"),
        user=document.get("user") or None,
        working_directory=document.get("workingDirectory") or None,
        readonly_root=bool(document.get("readonlyRootFilesystem")),
        init=bool(linux.get("initProcessEnabled")),
        add_capabilities=tuple(capabilities.get("add") or ()),
        drop_capabilities=tuple(capabilities.get("drop") or ()),
        ulimits=tuple(
            (limit["name"], int(limit["softLimit"]), int(limit["hardLimit"]))
            for limit in document.get("ulimits") or ()
        ),
        mount_points=tuple(
            MountPoint(mount["sourceVolume"], mount["containerPath"], bool(mount.get("readOnly")))
            for mount in document.get("mountPoints") or ()
        ),
        depends_on=tuple(
            Dependency(item["containerName"], item["condition"]) for item in document.get("dependsOn") or ()
        ),
        log_driver=logs.get("logDriver"),
        log_options=dict(logs.get("options") or {}),
        docker_labels=dict(document.get("dockerLabels") or {}),
        system_controls=_pairs(document.get("systemControls"), "value", name="namespace"),
        health_check=document.get("healthCheck"),
        stop_timeout=int(document.get("stopTimeout") or DEFAULT_STOP_TIMEOUT),
        start_timeout=_optional_int(document.get("startTimeout")),
    )


def overridden(definition: TaskDefinition, overrides: Mapping[str, Any]) -> TaskDefinition:
    """The definition as this launch runs it: sizes, roles, commands, environment and limits overridden."""
    by_name = {item.get("name"): item for item in overrides.get("containerOverrides", [])}
    storage = overrides.get("ephemeralStorage") or {}
    return evolve(
        definition,
        {
            "cpu": parse_units(overrides.get("cpu")) or definition.cpu,
            "memory": parse_units(overrides.get("memory"), gigabytes=True) or definition.memory,
            "task_role_arn": overrides.get("taskRoleArn") or definition.task_role_arn,
            "execution_role_arn": overrides.get("executionRoleArn") or definition.execution_role_arn,
            "ephemeral_storage": int(storage.get("sizeInGiB", definition.ephemeral_storage)),
            "containers": tuple(
                _overridden_container(item, by_name[item.name]) if item.name in by_name else item
                for item in definition.containers
            ),
        },
    )


def parse_tags(items: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """`[{"key": .., "value": ..}]` as pairs."""
    return tuple((str(item.get("key")), str(item.get("value", ""))) for item in items)


def _overridden_container(container: ContainerDefinition, item: Mapping[str, Any]) -> ContainerDefinition:
    reservation = _optional_int(item.get("memoryReservation"))
    return evolve(
        container,
        {
            "command": _words(item.get("command")) or container.command,
            "environment": {**container.environment, **_pairs(item.get("environment"), "value")},
            "cpu": int(item.get("cpu") or container.cpu),
            "memory": _optional_int(item.get("memory")) or container.memory,
            "memory_reservation": reservation or container.memory_reservation,
        },
    )


def _words(items: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(items) if items else None


def _pairs(items: Sequence[Mapping[str, str]] | None, value: str, name: str = "name") -> dict[str, str]:
    return {item[name]: item.get(value, "") for item in items or () if name in item}


def _optional_int(value: Any) -> int | None:
    return None if value in (None, "") else int(value)
