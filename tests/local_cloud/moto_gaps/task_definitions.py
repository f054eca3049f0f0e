"""RegisterTaskDefinition: moto accepts what Fargate cannot run."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import EcsClientException
from moto.ecs.models import EC2ContainerServiceBackend

from local_cloud.ecs.definitions import FARGATE_SIZES, parse_units

_register = EC2ContainerServiceBackend.register_task_definition

ONLY_AWSVPC = "Fargate only supports network mode \u2018awsvpc\u2019."
NO_SIZE = "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
DOCUMENTATION = "See the Amazon ECS documentation for the valid values."
MAX_TIMEOUT = 120  # seconds
# ECS's own words for these are not known.
BAD_TIMEOUT = "Container {container}: {name} must be 2 to 120 seconds on Fargate, got {seconds}."
UNKNOWN_DEPENDENCY = "Container {name} depends on {other}, which is not in the task definition."
ESSENTIAL_DEPENDENCY = "Container {other} is essential: {name} cannot depend on its {condition}."


def register_task_definition(
    backend: Any, family: str, container_definitions: list[dict[str, Any]], **given: Any
) -> Any:
    """Register a revision, unless Fargate would reject it."""
    if "FARGATE" in (given.get("requires_compatibilities") or ()):
        _check_fargate(given)
        _check_timeouts(container_definitions)
    _check_dependencies(container_definitions)
    return _register(backend, family, container_definitions, **given)


def _check_fargate(given: dict[str, Any]) -> None:
    if given.get("network_mode") != "awsvpc":
        raise EcsClientException(ONLY_AWSVPC)
    for name in ("cpu", "memory"):
        if not given.get(name):
            raise EcsClientException(f"Fargate requires that '{name}' be defined at the task level.")
    try:
        cpu = parse_units(given["cpu"])
        memory = parse_units(given["memory"], gigabytes=True)
    except ValueError:
        cpu = memory = None
    if memory not in FARGATE_SIZES.get(cpu or 0, ()):
        raise EcsClientException(NO_SIZE.format(**given) + DOCUMENTATION)


def _check_timeouts(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        for name in ("startTimeout", "stopTimeout"):
            seconds = container.get(name)
            if seconds is not None and not 2 <= int(seconds) <= MAX_TIMEOUT:
                raise EcsClientException(
                    BAD_TIMEOUT.format(name=name, container=container["name"], seconds=seconds)
                )


def _check_dependencies(containers: list[dict[str, Any]]) -> None:
    by_name = {item.get("name"): item for item in containers}
    for container in containers:
        for needed in container.get("dependsOn") or ():
            other, condition = needed["containerName"], needed["condition"]
            words = {"name": container.get("name"), "other": other, "condition": condition}
            if other not in by_name:
                raise EcsClientException(UNKNOWN_DEPENDENCY.format(**words))
            if condition in ("COMPLETE", "SUCCESS") and by_name[other].get("essential", True):
                raise EcsClientException(ESSENTIAL_DEPENDENCY.format(**words))


def install() -> None:
    """Put this in place of moto's; once per process."""
    EC2ContainerServiceBackend.register_task_definition = register_task_definition
