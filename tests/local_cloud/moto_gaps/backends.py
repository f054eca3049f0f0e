"""moto's own state, read and written in this process: clusters, definitions, networks, secrets, logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import ecs_backends
from moto.logs.models import logs_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from local_cloud.containers.task_services import CannotStart
from local_cloud.ecs.catalog import CapacityChoice, Cluster
from local_cloud.ecs.definitions import TaskDefinition, parse_task_definition

if TYPE_CHECKING:
    from local_cloud.containers.logs import LogStream
    from local_cloud.ecs.definitions import ContainerDefinition

DEFINITION_FIELDS = {
    "containerDefinitions": "container_definitions",
    "cpu": "cpu",
    "ephemeralStorage": "ephemeral_storage",
    "executionRoleArn": "execution_role_arn",
    "family": "family",
    "memory": "memory",
    "networkMode": "network_mode",
    "requiresCompatibilities": "requires_compatibilities",
    "revision": "revision",
    "runtimePlatform": "runtime_platform",
    "status": "status",
    "tags": "tags",
    "taskDefinitionArn": "arn",
    "taskRoleArn": "task_role_arn",
    "volumes": "volumes",
}


class MotoCatalog:
    """A Catalog over moto's ECS and EC2."""

    def __init__(self, account: str) -> None:
        self._account = account
        # A revision never changes but for its status; parsing it for every launch would cost the most.
        self._parsed: dict[tuple[str, str], tuple[Any, TaskDefinition]] = {}

    def cluster(self, region: str, name: str) -> Cluster | None:
        """See Catalog."""
        found = ecs_backends[self._account][region].clusters.get(name)
        if found is None or found.status != "ACTIVE":
            return None
        return Cluster(
            name=found.name,
            arn=found.arn,
            capacity_providers=tuple(found.capacity_providers or ()),
            default_strategy=tuple(
                CapacityChoice(item["capacityProvider"], int(item.get("weight", 0)), int(item.get("base", 0)))
                for item in found.default_capacity_provider_strategy or ()
            ),
        )

    def task_definition(self, region: str, reference: str) -> TaskDefinition | None:
        """See Catalog."""
        family, _, revision = reference.rsplit("/", 1)[-1].partition(":")
        revisions = ecs_backends[self._account][region].task_definitions.get(family, {})
        if revision:
            found = revisions.get(int(revision)) if revision.isdecimal() else None
        else:
            active = [number for number, item in revisions.items() if item.status == "ACTIVE"]
            found = revisions[max(active)] if active else None
        if found is None:
            return None
        key = (region, found.arn)
        cached = self._parsed.get(key)
        if cached is None or cached[0] is not found or cached[1].active != (found.status == "ACTIVE"):
            document = {name: getattr(found, field, None) for name, field in DEFINITION_FIELDS.items()}
            cached = self._parsed[key] = (found, parse_task_definition(document))
        return cached[1]

    def subnet_zone(self, region: str, subnet_id: str) -> str | None:
        """See Catalog."""
        for zone, subnets in list(ec2_backends[self._account][region].subnets.items()):
            if subnet_id in subnets:
                return str(zone)
        return None

    def has_security_group(self, region: str, group_id: str) -> bool:
        """See Catalog."""
        return ec2_backends[self._account][region].get_security_group_from_id(group_id) is not None


class MotoTaskServices:
    """Secrets from moto's Secrets Manager and SSM, logs into its CloudWatch Logs."""

    def __init__(self, account: str) -> None:
        self._account = account

    def secret(self, region: str, reference: str) -> str:
        """See TaskServices."""
        try:
            if ":secretsmanager:" in reference:
                return self._from_secrets_manager(reference)
            region = reference.split(":")[3] if reference.startswith("arn:") else region
            return self._from_parameter_store(region, reference)
        except Exception as error:
            kind = "secrets from secrets manager" if ":secretsmanager:" in reference else "secrets from ssm"
            raise CannotStart(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
                f"retrieval failed: unable to retrieve {kind}: {reference}: {error}"
            ) from error

    def _from_parameter_store(self, region: str, reference: str) -> str:
        found = ssm_backends[self._account][region].get_parameter(reference)
        if found is None:
            raise LookupError("invalid parameters: " + reference)
        return str(found.response_object(decrypt=True)["Value"])

    def _from_secrets_manager(self, reference: str) -> str:
        # arn:aws:secretsmanager:region:account:secret:name[:json key:version stage:version id]
        words = reference.split(":")
        arn, extras = ":".join(words[:7]), [*words[7:], "", "", ""]
        backend = secretsmanager_backends[self._account][words[3]]
        value = backend.get_secret_value(arn, extras[2] or None, extras[1] or None)
        text = value.get("SecretString")
        if text is None:
            raise LookupError("the secret is binary")
        if not extras[0]:
            return str(text)
        found = json.loads(text)[extras[0]]
        return found if isinstance(found, str) else json.dumps(found)

    def open_log(self, region: str, container: ContainerDefinition, name: str) -> LogStream:
        """See TaskServices."""
        options = container.log_options
        group = options.get("awslogs-group", "")
        backend = logs_backends[self._account][options.get("awslogs-region", region)]
        if group not in backend.groups:
            if options.get("awslogs-create-group") != "true":
                raise CannotStart(
                    "ResourceInitializationError: failed to validate logger args: create stream has been "
                    "retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: "
                    f"The specified log group does not exist. : {group or 'awslogs-group is not set'}"
                )
            backend.create_log_group(group, {})
        backend.ensure_log_stream(group, name)
        return MotoLogStream(backend, group, name)


class MotoLogStream:
    """See LogStream."""

    def __init__(self, backend: Any, group: str, name: str) -> None:
        self._backend = backend
        self._group = group
        self._name = name

    def put(self, events: list[tuple[int, str]]) -> None:
        """Append events; when the group has been deleted meanwhile they are dropped, as the driver does."""
        if self._group not in self._backend.groups:
            return
        self._backend.ensure_log_stream(self._group, self._name)
        self._backend.put_log_events(
            self._group, self._name, [{"timestamp": at, "message": message} for at, message in events]
        )
