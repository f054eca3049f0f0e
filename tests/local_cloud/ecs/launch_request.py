"""RunTask's parameters: checked in the order and with the words ECS uses, and parsed once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.catalog import CapacityChoice
from local_cloud.ecs.definitions import FARGATE_SIZES, TaskDefinition, overridden, parse_tags
from local_cloud.ecs.records import Network
from local_cloud.errors import AwsError, invalid
from local_cloud.fast_json import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.ecs.catalog import Catalog, Cluster

MAX_COUNT = 10
MAX_OVERRIDES = 8192
MAX_TAGS = 50
MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 5
MAX_STRATEGY = 20
PLATFORM_VERSIONS = {"LATEST": "1.4.0", "1.4.0": "1.4.0", "1.3.0": "1.3.0"}
MANAGED_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
STARTED_BY = re.compile(r"[A-Za-z0-9_/-]{0,128}")
CLIENT_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")


@dataclass(frozen=True)
class LaunchRequest:
    """A RunTask call that ECS accepts; `definition` has the overrides applied, `overrides` is as given."""

    cluster: Cluster
    definition: TaskDefinition
    count: int
    launch_type: str
    strategy: tuple[CapacityChoice, ...]
    overrides: Mapping[str, Any]
    network: Network | None
    zone: str
    group: str
    platform_version: str | None
    started_by: str | None
    client_token: str | None
    tags: tuple[tuple[str, str], ...]
    execute_command: bool


def parse_launch_request(
    parameters: Mapping[str, Any], catalog: Catalog, region: str, *, of_service: bool = False
) -> LaunchRequest:
    """Check and parse RunTask's parameters; raises AwsError as ECS would.

    of_service: a service that was made with a revision goes on launching it when it is INACTIVE.
    """
    cluster = find_cluster(parameters, catalog, region)
    count = parameters.get("count", 1)
    if not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise invalid(f"count should be between 1 and {MAX_COUNT}.")
    token = parameters.get("clientToken")
    if token is not None and not CLIENT_TOKEN.fullmatch(token):
        raise invalid("clientToken must be 1 to 64 printable ASCII characters.")
    started_by = parameters.get("startedBy")
    if started_by is not None and not STARTED_BY.fullmatch(started_by):
        raise invalid("startedBy must be at most 128 letters, digits, hyphens, slashes and underscores.")
    overrides = parameters.get("overrides") or {}
    if overrides and len(encode(overrides).decode()) > MAX_OVERRIDES:
        raise invalid(f"Container Overrides length must be at most {MAX_OVERRIDES}")
    definition = _definition(parameters, catalog, region, may_be_inactive=of_service)
    for item in overrides.get("containerOverrides", []):
        if definition.container(item.get("name") or "") is None:
            raise invalid(
                f"Override for container named {item.get('name')} is not a container in the TaskDefinition."
            )
    launch_type, strategy = _capacity(parameters, cluster)
    fargate = launch_type == "FARGATE"
    if fargate and "FARGATE" not in definition.compatibilities:
        raise invalid("Task definition does not support launch_type FARGATE.")
    try:
        effective = overridden(definition, overrides)
    except ValueError as error:
        raise invalid(f"Invalid setting for overrides: {error}") from error
    if fargate:
        _check_size(effective)
    network, zone = _network(parameters, definition, catalog, region)
    return LaunchRequest(
        cluster=cluster,
        definition=effective,
        count=count,
        launch_type=launch_type,
        strategy=strategy,
        overrides=overrides,
        network=network,
        zone=zone,
        group=parameters.get("group") or f"family:{definition.family}",
        platform_version=_platform_version(parameters) if fargate else None,
        started_by=started_by,
        client_token=token,
        tags=_tags(parameters, definition, cluster),
        execute_command=bool(parameters.get("enableExecuteCommand")),
    )


def find_cluster(parameters: Mapping[str, Any], catalog: Catalog, region: str) -> Cluster:
    """The cluster a call names (by name or ARN; `default` when it names none)."""
    name = str(parameters.get("cluster") or "default").rsplit("/", 1)[-1]
    cluster = catalog.cluster(region, name)
    if cluster is None:
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return cluster


def _definition(
    parameters: Mapping[str, Any], catalog: Catalog, region: str, *, may_be_inactive: bool
) -> TaskDefinition:
    reference = parameters.get("taskDefinition")
    if not reference:
        raise AwsError("ClientException", "TaskDefinition can not be blank.")
    definition = catalog.task_definition(region, reference)
    if definition is None:
        raise AwsError("ClientException", "TaskDefinition not found.")
    if not definition.active and not may_be_inactive:
        raise AwsError("ClientException", "TaskDefinition is inactive")
    return definition


def _capacity(parameters: Mapping[str, Any], cluster: Cluster) -> tuple[str, tuple[CapacityChoice, ...]]:
    launch_type = parameters.get("launchType")
    items = parameters.get("capacityProviderStrategy") or []
    if launch_type and items:
        raise invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. "
            "Remove one and try again."
        )
    if launch_type:
        if launch_type not in ("EC2", "FARGATE", "EXTERNAL"):
            raise invalid(f"Invalid launch type: {launch_type}")
        return launch_type, ()
    strategy = (
        tuple(
            CapacityChoice(item.get("capacityProvider", ""), item.get("weight", 0), item.get("base", 0))
            for item in items
        )
        or cluster.default_strategy
    )
    if not strategy:
        return "EC2", ()
    _check_strategy(strategy, cluster)
    managed = strategy[0].provider in MANAGED_PROVIDERS
    return ("FARGATE" if managed else "EC2"), strategy


def _check_strategy(strategy: tuple[CapacityChoice, ...], cluster: Cluster) -> None:
    if len(strategy) > MAX_STRATEGY:
        raise invalid(f"A capacity provider strategy can have at most {MAX_STRATEGY} capacity providers.")
    if sum(choice.base > 0 for choice in strategy) > 1:
        raise invalid("Only one capacity provider in a strategy can have a base greater than zero.")
    for choice in strategy:
        if not (0 <= choice.weight <= 1000 and 0 <= choice.base <= 100_000):
            raise invalid("A weight is from 0 to 1,000, a base from 0 to 100,000.")
        if choice.provider not in cluster.capacity_providers:
            raise invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not "
                "associated with the cluster. Associate the capacity provider with the cluster and try again."
            )
    if len({choice.provider in MANAGED_PROVIDERS for choice in strategy}) > 1:
        raise invalid(
            "The specified capacity provider strategy cannot contain both Fargate capacity providers "
            "and Auto Scaling group capacity providers."
        )


def _check_size(definition: TaskDefinition) -> None:
    cpu, memory = definition.cpu, definition.memory
    if cpu is None or memory is None or memory not in FARGATE_SIZES.get(cpu, ()):
        raise invalid(
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
            "See the Amazon ECS documentation for the valid values."
        )
    if not 20 <= definition.ephemeral_storage <= 200:
        raise invalid("Ephemeral storage size must be between 21 and 200 GiB.")
    reserved = sum(container.cpu for container in definition.containers)
    if reserved > cpu:
        raise invalid("The total cpu of the containers is more than the cpu of the task.")
    for container in definition.containers:
        if (container.memory or container.memory_reservation or 0) > memory:
            raise invalid(
                f"Invalid setting for container '{container.name}'. "
                "At least one of 'memory' or 'memoryReservation' must be within the task's memory."
            )


def _network(
    parameters: Mapping[str, Any], definition: TaskDefinition, catalog: Catalog, region: str
) -> tuple[Network | None, str]:
    given = (parameters.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if definition.network_mode != "awsvpc":
        if given:
            raise invalid(
                "Network Configuration is not valid for the given networkMode of this task definition."
            )
        return None, f"{region}a"
    if not given:
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    subnets, groups = tuple(given.get("subnets") or ()), tuple(given.get("securityGroups") or ())
    if not subnets:
        raise invalid("subnets can not be empty.")
    if len(subnets) > MAX_SUBNETS:
        raise invalid(f"subnets can have at most {MAX_SUBNETS} items.")
    assign = given.get("assignPublicIp", "DISABLED")
    if assign not in ("ENABLED", "DISABLED"):
        raise invalid(f"Invalid assignPublicIp: {assign}")
    zones = [catalog.subnet_zone(region, subnet) for subnet in subnets]
    for subnet, zone in zip(subnets, zones, strict=True):
        if zone is None:
            raise invalid(
                f"Error retrieving subnet information for [{subnet}]: "
                f"The subnet ID '{subnet}' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
            )
    _check_security_groups(groups, catalog, region)
    return Network(subnets, groups, assign), zones[0] or f"{region}a"


def _check_security_groups(groups: tuple[str, ...], catalog: Catalog, region: str) -> None:
    if len(groups) > MAX_SECURITY_GROUPS:
        raise invalid(f"securityGroups can have at most {MAX_SECURITY_GROUPS} items.")
    for group in groups:
        if not catalog.has_security_group(region, group):
            raise invalid(
                f"Error retrieving security group information for [{group}]: "
                f"The security group '{group}' does not exist (ErrorCode: InvalidGroup.NotFound)"
            )


def _platform_version(parameters: Mapping[str, Any]) -> str:
    asked = parameters.get("platformVersion") or "LATEST"
    if asked not in PLATFORM_VERSIONS:
        raise AwsError("PlatformUnknownException", "The specified platform version does not exist.")
    return PLATFORM_VERSIONS[asked]


def _tags(
    parameters: Mapping[str, Any], definition: TaskDefinition, cluster: Cluster
) -> tuple[tuple[str, str], ...]:
    own = parse_tags(parameters.get("tags") or ())
    if len({key for key, _ in own}) != len(own):
        raise invalid("Duplicate tag keys found. Tag keys must be unique.")
    propagate = parameters.get("propagateTags", "NONE")
    if propagate not in ("NONE", "TASK_DEFINITION"):
        raise invalid(f"Invalid propagateTags for RunTask: {propagate}")
    inherited = definition.tags if propagate == "TASK_DEFINITION" else ()
    managed = _managed_tags(parameters, cluster)
    merged = tuple({**dict(inherited), **dict(own)}.items())
    if len(merged) > MAX_TAGS:
        raise invalid(f"A task can have at most {MAX_TAGS} tags.")
    for key, value in own:
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise invalid("A tag's key has 1 to 128 characters, its value at most 256.")
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys starting with aws: are reserved.")
    return (*managed, *merged)


def _managed_tags(parameters: Mapping[str, Any], cluster: Cluster) -> tuple[tuple[str, str], ...]:
    if not parameters.get("enableECSManagedTags"):
        return ()
    kind, _, service = str(parameters.get("group") or "").partition(":")
    of_service = (("aws:ecs:serviceName", service),) if kind == "service" else ()
    return (("aws:ecs:clusterName", cluster.name), *of_service)
