"""From an accepted request to task records: capacity providers, ids, network interfaces."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local_cloud.ecs.records import Container, NetworkInterface, Task
from local_cloud.identifiers import make_hex, make_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from local_cloud.ecs.launch_request import LaunchRequest


class ProviderChooser:
    """Spreads tasks over a strategy's providers: base first, then by weight, earlier calls counted."""

    def __init__(self) -> None:
        self._placed: dict[tuple[object, ...], Counter[str]] = {}

    def choose(self, request: LaunchRequest) -> Iterator[str | None]:
        """One provider for each task of the request; None for each when a launch type was asked for."""
        strategy = request.strategy
        placed = self._placed.setdefault((request.cluster.arn, *strategy), Counter())
        for index in range(request.count):
            if not strategy:
                yield None
                continue
            based = [choice for choice in strategy if choice.base > index]
            weighted = [choice for choice in strategy if choice.weight > 0] or list(strategy)
            choice = (
                based[0]
                if based
                else min(weighted, key=lambda item: (placed[item.provider] + 1) / max(item.weight, 1))
            )
            if not based:
                placed[choice.provider] += 1
            yield choice.provider


def new_task(  # noqa: PLR0913, PLR0917 - what a task is made of
    request: LaunchRequest, provider: str | None, region: str, account: str, now: float, random: Random
) -> Task:
    """A task in PROVISIONING, version 1."""
    definition, cluster = request.definition, request.cluster
    task_id = make_hex(random)
    prefix = f"arn:aws:ecs:{region}:{account}"
    return Task(
        arn=f"{prefix}:task/{cluster.name}/{task_id}",
        task_id=task_id,
        region=region,
        account=account,
        cluster_arn=cluster.arn,
        cluster_name=cluster.name,
        definition_arn=definition.arn,
        family=definition.family,
        group=request.group,
        launch_type=request.launch_type,
        cpu=str(definition.cpu or sum(item.cpu for item in definition.containers)),
        memory=str(definition.memory or sum(item.memory or 0 for item in definition.containers)),
        containers=tuple(
            Container(
                arn=f"{prefix}:container/{cluster.name}/{task_id}/{make_uuid(random)}",
                name=item.name,
                image=item.image,
                cpu=str(item.cpu),
                memory=None if item.memory is None else str(item.memory),
                essential=item.essential,
                health=None if item.health_check is None else "UNKNOWN",
            )
            for item in definition.containers
        ),
        created_at=now,
        availability_zone=request.zone,
        overrides=request.overrides,
        platform_version=request.platform_version,
        capacity_provider=provider,
        started_by=request.started_by,
        client_token=request.client_token,
        tags=request.tags,
        network=request.network,
        interface=_interface(request, random),
        ephemeral_storage=definition.ephemeral_storage,
        architecture=definition.architecture,
        execute_command=request.execute_command,
    )


def _interface(request: LaunchRequest, random: Random) -> NetworkInterface | None:
    if request.network is None:
        return None
    mac = ":".join(f"{random.getrandbits(8):02x}" for _ in range(5))
    return NetworkInterface(
        attachment_id=make_uuid(random),
        interface_id=f"eni-{random.getrandbits(68):017x}",
        subnet_id=request.network.subnets[0],
        mac_address=f"02:{mac}",
        private_ipv4=f"10.0.{random.randrange(256)}.{random.randrange(4, 255)}",
    )
