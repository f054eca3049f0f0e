"""CreateService's and UpdateService's parameters: checked, filled with ECS's defaults, and parsed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.launch_request import parse_launch_request
from local_cloud.errors import invalid
from local_cloud.services.records import OF_A_DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.ecs.catalog import Catalog
    from local_cloud.ecs.launch_request import LaunchRequest
    from local_cloud.services.records import Deployment, Service

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
MAX_COUNT = 5000
# Members that DescribeServices shows as they were given.
SHOWN = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "deploymentController",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "schedulingStrategy",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "taskDefinition",
    "volumeConfigurations",
)
DEFAULTS: Mapping[str, Any] = {
    "availabilityZoneRebalancing": "ENABLED",
    "deploymentController": {"type": "ECS"},
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "loadBalancers": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "propagateTags": "NONE",
    "schedulingStrategy": "REPLICA",
    "serviceRegistries": [],
}


def checked_name(parameters: Mapping[str, Any]) -> str:
    """The name of a new service; raises AwsError."""
    name = parameters.get("serviceName") or ""
    if not NAME.fullmatch(name):
        raise invalid(f"serviceName must be 1 to 255 letters, digits, hyphens and underscores, got {name!r}.")
    return str(name)


def checked_count(count: Any) -> int:
    """A desired count; raises AwsError."""
    if not isinstance(count, int) or not 0 <= count <= MAX_COUNT:
        raise invalid(f"desiredCount must be 0 to {MAX_COUNT}, got {count!r}.")
    return count


def new_settings(parameters: Mapping[str, Any], catalog: Catalog, region: str) -> dict[str, Any]:
    """CreateService's members with ECS's defaults; raises AwsError for what ECS rejects."""
    settings = {**DEFAULTS, **{name: parameters[name] for name in SHOWN if name in parameters}}
    if settings["schedulingStrategy"] != "REPLICA":
        raise invalid("Fargate services do not support the scheduling strategy DAEMON.")
    if settings["deploymentController"].get("type") != "ECS":
        raise invalid("The local cloud has services of the deployment controller ECS only.")
    settings["deploymentConfiguration"] = _deployment_configuration({}, parameters)
    return _checked(settings, parameters, catalog, region)


def changed_settings(
    settings: Mapping[str, Any], parameters: Mapping[str, Any], catalog: Catalog, region: str
) -> dict[str, Any]:
    """A service's members after UpdateService; raises AwsError for what ECS rejects."""
    changed = {**settings, **{name: parameters[name] for name in SHOWN if name in parameters}}
    if parameters.get("capacityProviderStrategy"):
        changed.pop("launchType", None)
    changed["deploymentConfiguration"] = _deployment_configuration(
        settings["deploymentConfiguration"], parameters
    )
    reference = {"cluster": parameters.get("cluster")}
    if not needs_deployment(settings, changed):
        # A service whose revision is INACTIVE by now can still be scaled.
        return changed
    return _checked(changed, reference, catalog, region)


def needs_deployment(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a change of settings needs new tasks."""
    return any(before.get(name) != after.get(name) for name in OF_A_DEPLOYMENT)


def launch_parameters(service: Service, deployment: Deployment) -> dict[str, Any]:
    """RunTask's parameters for a task of a deployment."""
    settings = deployment.settings
    tags = service.tags if settings["propagateTags"] == "SERVICE" else {}
    return {
        **_launchable(settings),
        "cluster": service.cluster_arn,
        "group": service.group,
        "startedBy": deployment.id,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }


def _launchable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a service that RunTask has, too."""
    names = (
        "capacityProviderStrategy",
        "enableECSManagedTags",
        "enableExecuteCommand",
        "launchType",
        "networkConfiguration",
        "platformVersion",
        "taskDefinition",
    )
    found = {name: settings[name] for name in names if settings.get(name)}
    if settings["propagateTags"] == "TASK_DEFINITION":
        found["propagateTags"] = "TASK_DEFINITION"
    return found


def _checked(
    settings: dict[str, Any], parameters: Mapping[str, Any], catalog: Catalog, region: str
) -> dict[str, Any]:
    """The settings as ECS keeps them: what RunTask would reject is rejected, names are resolved."""
    if settings["propagateTags"] not in ("NONE", "SERVICE", "TASK_DEFINITION"):
        raise invalid(f"Invalid propagateTags: {settings['propagateTags']}")
    request = parse_launch_request(
        {**_launchable(settings), "cluster": parameters.get("cluster"), "tags": parameters.get("tags") or []},
        catalog,
        region,
    )
    _check_ports(settings, request)
    settings["taskDefinition"] = request.definition.arn
    if request.strategy:
        settings["capacityProviderStrategy"] = [
            {"capacityProvider": item.provider, "weight": item.weight, "base": item.base}
            for item in request.strategy
        ]
        settings.pop("launchType", None)
    else:
        settings["launchType"] = request.launch_type
        settings.pop("capacityProviderStrategy", None)
    if request.network is not None:
        settings["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(request.network.subnets),
                "securityGroups": list(request.network.security_groups),
                "assignPublicIp": request.network.assign_public_ip,
            }
        }
    if request.launch_type == "FARGATE":
        settings["platformVersion"] = settings.get("platformVersion") or "LATEST"
    return settings


def _check_ports(settings: Mapping[str, Any], request: LaunchRequest) -> None:
    """The containers of load balancers and registries are in the task definition."""
    for item in (*settings["loadBalancers"], *settings["serviceRegistries"]):
        name = item.get("containerName")
        if name and request.definition.container(name) is None:
            raise invalid(f"The container {name} does not exist in the task definition.")


def _deployment_configuration(before: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    given = parameters.get("deploymentConfiguration") or {}
    off = {"enable": False, "rollback": False}
    found = {
        "deploymentCircuitBreaker": off,
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        **before,
        **given,
    }
    # An empty object turns the circuit breaker off.
    found["deploymentCircuitBreaker"] = {**off, **(found["deploymentCircuitBreaker"] or {})}
    if found["strategy"] != "ROLLING":
        raise invalid(f"The local cloud has the deployment strategy ROLLING only, got {found['strategy']}.")
    minimum, maximum = found["minimumHealthyPercent"], found["maximumPercent"]
    if not 0 <= minimum <= 100 <= maximum:
        raise invalid(
            "minimumHealthyPercent must be 0 to 100 and maximumPercent at least 100, got "
            f"{minimum} and {maximum}."
        )
    if minimum == maximum:
        raise invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
    return found
