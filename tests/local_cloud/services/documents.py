"""Services and their deployments as ECS writes them. Each function takes how to write a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.ecs.lifecycle import RANK, RUNNING
from local_cloud.services.planning import is_running, is_wanted
from local_cloud.services.records import FAILED, PRIMARY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local_cloud.ecs.records import Task
    from local_cloud.ecs.rendering import WriteTime
    from local_cloud.services.records import Deployment, Rollout, Service

    TasksOf = Callable[[str], Sequence[Task]]

# Members of a service that belong to its deployments in ECS's model.
OF_DEPLOYMENTS_ONLY = ("serviceConnectConfiguration", "volumeConfigurations")
SHOWN_OF_DEPLOYMENT = (
    "capacityProviderStrategy",
    "launchType",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "taskDefinition",
    "volumeConfigurations",
)


def service_document(
    service: Service, tasks_of: TasksOf, write_time: WriteTime, *, tags: bool = False
) -> dict[str, Any]:
    """The `Service` structure; tags only when they were asked for."""
    deployments = [
        _deployment_document(service, item, tasks_of(item.id), write_time) for item in service.deployments
    ]
    shown = {name: value for name, value in service.settings.items() if name not in OF_DEPLOYMENTS_ONLY}
    document = {
        **shown,
        "clusterArn": service.cluster_arn,
        "createdAt": write_time(service.created_at),
        "createdBy": f"arn:aws:iam::{service.account}:root",
        "deployments": deployments if service.status != "INACTIVE" else [],
        "desiredCount": service.desired_count,
        "events": [
            {"id": item.id, "createdAt": write_time(item.created_at), "message": item.text}
            for item in service.messages
        ],
        "pendingCount": sum(item["pendingCount"] for item in deployments),
        "roleArn": (
            f"arn:aws:iam::{service.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
        ),
        "runningCount": sum(item["runningCount"] for item in deployments),
        "serviceArn": service.arn,
        "serviceName": service.name,
        "status": service.status,
    }
    if "platformVersion" in service.settings:
        document["platformFamily"] = "Linux"
    if service.rollouts:
        document["currentServiceDeployment"] = service.rollouts[-1].arn
        document["currentServiceRevisions"] = [
            _revision(service, item, tasks_of) for item in service.deployments
        ]
    if tags:
        document["tags"] = [{"key": key, "value": value} for key, value in service.tags.items()]
    return document


def _deployment_document(
    service: Service, deployment: Deployment, tasks: Sequence[Task], write_time: WriteTime
) -> dict[str, Any]:
    document = {
        "createdAt": write_time(deployment.created_at),
        "desiredCount": (
            service.desired_count
            if deployment.status == PRIMARY and deployment.rollout_state != FAILED
            else sum(map(is_wanted, tasks))
        ),
        "failedTasks": deployment.failed_tasks,
        "id": deployment.id,
        "pendingCount": _pending(tasks),
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.reason,
        "runningCount": sum(map(is_running, tasks)),
        "status": deployment.status,
        "updatedAt": write_time(deployment.updated_at),
        **{name: value for name in SHOWN_OF_DEPLOYMENT if (value := deployment.settings.get(name))},
    }
    if "platformVersion" in document:
        document["platformFamily"] = "Linux"
    return document


def brief_document(service: Service, rollout: Rollout, write_time: WriteTime) -> dict[str, Any]:
    """The `ServiceDeploymentBrief` structure."""
    document = {
        "clusterArn": service.cluster_arn,
        "createdAt": write_time(rollout.created_at),
        "serviceArn": service.arn,
        "serviceDeploymentArn": rollout.arn,
        "startedAt": write_time(rollout.created_at),
        "status": rollout.status,
        "targetServiceRevisionArn": revision_arn(service, rollout.target),
    }
    if rollout.reason is not None:
        document["statusReason"] = rollout.reason
    if rollout.finished_at is not None:
        document["finishedAt"] = write_time(rollout.finished_at)
    return document


def rollout_document(
    service: Service, rollout: Rollout, tasks_of: TasksOf, write_time: WriteTime
) -> dict[str, Any]:
    """The `ServiceDeployment` structure."""
    brief = brief_document(service, rollout, write_time)
    del brief["targetServiceRevisionArn"]
    document = {
        **brief,
        "deploymentCircuitBreaker": {
            "failureCount": rollout.failures,
            "status": _breaker_status(service, rollout),
            "threshold": rollout.threshold,
        },
        "deploymentConfiguration": rollout.configuration,
        "sourceServiceRevisions": [_revision(service, item, tasks_of) for item in rollout.sources],
        "targetServiceRevision": _revision(service, rollout.target, tasks_of),
        "updatedAt": write_time(rollout.updated_at),
    }
    if rollout.rollback is not None:
        reason, target, started = rollout.rollback
        document["rollback"] = {
            "reason": reason,
            "serviceRevisionArn": revision_arn(service, target),
            "startedAt": write_time(started),
        }
    return document


def _breaker_status(service: Service, rollout: Rollout) -> str:
    if not service.circuit_breaker["enable"]:
        return "DISABLED"
    if rollout.status.startswith("ROLLBACK") or rollout.target.rollout_state == FAILED:
        return "TRIGGERED"
    return "MONITORING" if rollout.finished_at is None else "MONITORING_COMPLETE"


def revision_arn(service: Service, deployment: Deployment) -> str:
    """The ARN of the service revision that a deployment brings out."""
    prefix = service.arn.replace(":service/", ":service-revision/")
    return f"{prefix}/{deployment.number}"


def _revision(service: Service, deployment: Deployment, tasks_of: TasksOf) -> dict[str, Any]:
    tasks = tasks_of(deployment.id)
    return {
        "arn": revision_arn(service, deployment),
        "pendingTaskCount": _pending(tasks),
        "requestedTaskCount": (
            service.desired_count if deployment.status == PRIMARY else sum(map(is_wanted, tasks))
        ),
        "runningTaskCount": sum(map(is_running, tasks)),
    }


def _pending(tasks: Sequence[Task]) -> int:
    return sum(is_wanted(task) and RANK[task.last_status] < RANK[RUNNING] for task in tasks)
