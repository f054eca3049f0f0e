"""Where the task plane looks up clusters, task definitions, subnets and security groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from local_cloud.ecs.definitions import TaskDefinition, parse_task_definition
from local_cloud.ecs.records import evolve

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class CapacityChoice:
    """One item of a capacity provider strategy."""

    provider: str
    weight: int = 0
    base: int = 0


@dataclass(frozen=True)
class Cluster:
    """A cluster: its providers, and the strategy used when a call names neither strategy nor launch type."""

    name: str
    arn: str
    capacity_providers: tuple[str, ...] = ()
    default_strategy: tuple[CapacityChoice, ...] = ()


class Catalog(Protocol):
    """What exists in an account and region; None means it does not exist."""

    def cluster(self, region: str, name: str) -> Cluster | None:
        """The cluster of that name (not ARN)."""

    def task_definition(self, region: str, reference: str) -> TaskDefinition | None:
        """By ARN, `family:revision`, or family (its newest active revision)."""

    def subnet_zone(self, region: str, subnet_id: str) -> str | None:
        """The availability zone of a subnet."""

    def has_security_group(self, region: str, group_id: str) -> bool:
        """Whether there is such a security group."""


class StaticCatalog:
    """A catalog filled by hand, for tests that need no other AWS service; it knows every subnet and group."""

    def __init__(self, account: str = "123456789012") -> None:
        self._account = account
        self._clusters: dict[tuple[str, str], Cluster] = {}
        self._definitions: dict[tuple[str, str], list[TaskDefinition]] = {}

    def add_cluster(
        self,
        name: str,
        *,
        region: str = "us-east-1",
        capacity_providers: Iterable[str] = ("FARGATE", "FARGATE_SPOT"),
    ) -> Cluster:
        """Create a cluster; returns its record."""
        arn = f"arn:aws:ecs:{region}:{self._account}:cluster/{name}"
        cluster = Cluster(name, arn, tuple(capacity_providers))
        self._clusters[region, name] = cluster
        return cluster

    def add_task_definition(self, *, region: str = "us-east-1", **document: Any) -> TaskDefinition:
        """Register a revision; `document` has RegisterTaskDefinition's members."""
        family = document["family"]
        revisions = self._definitions.setdefault((region, family), [])
        number = len(revisions) + 1
        arn = f"arn:aws:ecs:{region}:{self._account}:task-definition/{family}:{number}"
        definition = parse_task_definition(
            {
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                **document,
                "revision": number,
                "taskDefinitionArn": arn,
            }
        )
        revisions.append(definition)
        return definition

    def deregister_task_definition(self, arn: str, *, region: str = "us-east-1") -> None:
        """Make a revision INACTIVE."""
        family = arn.rsplit("/", 1)[-1].partition(":")[0]
        revisions = self._definitions[region, family]
        revisions[:] = [evolve(item, {"active": False}) if item.arn == arn else item for item in revisions]

    def remove_cluster(self, name: str, *, region: str = "us-east-1") -> None:
        """Delete a cluster, as someone might in the middle of everything."""
        self._clusters.pop((region, name), None)

    def remove_task_definition(self, family: str, *, region: str = "us-east-1") -> None:
        """Delete every revision of a family."""
        self._definitions.pop((region, family), None)

    def cluster(self, region: str, name: str) -> Cluster | None:
        """See Catalog."""
        return self._clusters.get((region, name))

    def task_definition(self, region: str, reference: str) -> TaskDefinition | None:
        """See Catalog."""
        family, _, revision = reference.rsplit("/", 1)[-1].partition(":")
        revisions = self._definitions.get((region, family), [])
        if not revision:
            return revisions[-1] if revisions else None
        return next((item for item in revisions if str(item.revision) == revision), None)

    def subnet_zone(self, region: str, subnet_id: str) -> str | None:
        """See Catalog: every subnet exists, in zone a or b by the last letter of its id."""
        return region + ("a" if ord(subnet_id[-1]) % 2 else "b") if subnet_id else None

    def has_security_group(self, region: str, group_id: str) -> bool:
        """See Catalog: every security group exists."""
        return bool(group_id)
