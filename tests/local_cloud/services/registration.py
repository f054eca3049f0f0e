"""Makes the tasks of a service known, and forgets them when they stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.services.planning import is_healthy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_cloud.ecs.records import Task
    from local_cloud.services.records import Service
    from local_cloud.services.registrar import Registrar


def update(
    service: Service, registries: Sequence[Mapping[str, Any]], task: Task, registrar: Registrar
) -> None:
    """Register a task when it becomes healthy; deregister it when it is stopped, ends or becomes unhealthy.

    registries: the `serviceRegistries` of the task's deployment.
    """
    if is_healthy(task):
        if registries and task.interface is not None and task.task_id not in service.registered:
            _register(service, registries, task, task.interface.private_ipv4, registrar)
    else:
        for arn in service.registered.pop(task.task_id, ()):
            registrar.deregister(arn, task.task_id)


def _register(
    service: Service,
    registries: Sequence[Mapping[str, Any]],
    task: Task,
    address: str,
    registrar: Registrar,
) -> None:
    attributes = {
        "AVAILABILITY_ZONE": task.availability_zone,
        "ECS_CLUSTER_NAME": service.cluster_name,
        "ECS_SERVICE_NAME": service.name,
        "ECS_TASK_DEFINITION_FAMILY": task.family,
        "REGION": task.region,
    }
    service.registered[task.task_id] = tuple(item["registryArn"] for item in registries)
    for item in registries:
        port = item.get("containerPort") or item.get("port")
        registrar.register(item["registryArn"], task.task_id, address, port, attributes)
