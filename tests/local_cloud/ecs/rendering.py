"""Tasks as ECS writes them: for an answer (DescribeTasks) and for an event's detail."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.ecs.records import Container, Failure, Task

    WriteTime = Callable[[float], Any]
    WriteTask = Callable[[Task, bool], Any]

TIMELINE = (
    ("connectivityAt", "connectivity_at"),
    ("createdAt", "created_at"),
    ("executionStoppedAt", "execution_stopped_at"),
    ("pullStartedAt", "pull_started_at"),
    ("pullStoppedAt", "pull_stopped_at"),
    ("startedAt", "started_at"),
    ("stoppedAt", "stopped_at"),
    ("stoppingAt", "stopping_at"),
)


def as_epoch(seconds: float) -> float:
    """How AWS JSON 1.1 writes a time."""
    return round(seconds, 3)


def as_datetime(seconds: float) -> datetime:
    """How boto3 hands a time to its caller."""
    return datetime.fromtimestamp(round(seconds, 3), tz=timezone.utc)


@lru_cache(maxsize=4096)
def as_iso(seconds: float) -> str:
    """How an event's detail writes a time."""
    return as_datetime(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def task_document(task: Task, write_time: WriteTime, *, tags: bool = False) -> dict[str, Any]:
    """The `Task` structure of ECS's model; tags only when they were asked for, as ECS does."""
    document: dict[str, Any] = {
        "attachments": _attachments(task),
        "attributes": [{"name": "ecs.cpu-architecture", "value": task.architecture}],
        "availabilityZone": task.availability_zone,
        "clusterArn": task.cluster_arn,
        "containers": [_container(container, task) for container in task.containers],
        "cpu": task.cpu,
        "desiredStatus": task.desired_status,
        "enableExecuteCommand": task.execute_command,
        "group": task.group,
        "healthStatus": task.health or "UNKNOWN",
        "launchType": task.launch_type,
        "lastStatus": task.last_status,
        "memory": task.memory,
        "overrides": _overrides(task),
        "taskArn": task.arn,
        "taskDefinitionArn": task.definition_arn,
        "version": task.version,
    }
    optional = {
        "capacityProviderName": task.capacity_provider,
        "connectivity": task.connectivity,
        "platformVersion": task.platform_version,
        "platformFamily": "Linux" if task.platform_version else None,
        "startedBy": task.started_by,
        "stopCode": task.stop_code,
        "stoppedReason": task.stopped_reason,
    }
    document.update({name: value for name, value in optional.items() if value is not None})
    if task.launch_type == "FARGATE":
        document["ephemeralStorage"] = {"sizeInGiB": task.ephemeral_storage}
        document["fargateEphemeralStorage"] = {"sizeInGiB": task.ephemeral_storage}
    for name, field_name in TIMELINE:
        seconds = getattr(task, field_name)
        if seconds is not None:
            document[name] = write_time(seconds)
    document["tags"] = [{"key": key, "value": value} for key, value in task.tags] if tags else []
    return document


def event_detail(task: Task, at: float) -> dict[str, Any]:
    """The `detail` of an ECS Task State Change event; ECS writes no tags there."""
    detail = task_document(task, as_iso)
    del detail["tags"]
    detail["updatedAt"] = as_iso(at)
    return detail


def failure_document(failure: Failure) -> dict[str, Any]:
    """The `Failure` structure of ECS's model."""
    document = {"arn": failure.arn, "reason": failure.reason, "detail": failure.detail}
    return {name: value for name, value in document.items() if value is not None}


def _overrides(task: Task) -> dict[str, Any]:
    given = task.overrides
    by_name = {override.get("name"): override for override in given.get("containerOverrides", [])}
    return {
        **given,
        "containerOverrides": [by_name.get(c.name, {"name": c.name}) for c in task.containers],
        "inferenceAcceleratorOverrides": given.get("inferenceAcceleratorOverrides", []),
    }


def _container(container: Container, task: Task) -> dict[str, Any]:
    interface = task.interface
    document: dict[str, Any] = {
        "containerArn": container.arn,
        "cpu": container.cpu,
        "healthStatus": container.health or "UNKNOWN",
        "image": container.image,
        "lastStatus": container.last_status,
        "name": container.name,
        "networkInterfaces": []
        if interface is None
        else [{"attachmentId": interface.attachment_id, "privateIpv4Address": interface.private_ipv4}],
        "taskArn": task.arn,
    }
    optional = {
        "exitCode": container.exit_code,
        "imageDigest": container.image_digest,
        "memory": container.memory,
        "reason": container.reason,
        "runtimeId": container.runtime_id,
    }
    document.update({name: value for name, value in optional.items() if value is not None})
    return document


def _attachments(task: Task) -> list[dict[str, Any]]:
    interface = task.interface
    if interface is None:
        return []
    details = {
        "subnetId": interface.subnet_id,
        "networkInterfaceId": interface.interface_id,
        "macAddress": interface.mac_address,
        "privateIPv4Address": interface.private_ipv4,
    }
    return [
        {
            "id": interface.attachment_id,
            "type": "ElasticNetworkInterface",
            "status": task.interface_status,
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
    ]
