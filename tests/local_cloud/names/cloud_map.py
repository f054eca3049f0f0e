"""Cloud Map over moto's servicediscovery: ECS registers its tasks there, and DNS answers from there."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any

from moto.servicediscovery.exceptions import InstanceNotFound, ServiceNotFound
from moto.servicediscovery.models import servicediscovery_backends

from local_cloud.names.zones import Record, select

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_cloud.names.zones import Answer

log = logging.getLogger("local_cloud")

DEFAULT_NEGATIVE_TTL = 15


class CloudMap:
    """The namespaces of one account: a Zone, and where ECS registers the tasks of a service."""

    def __init__(self, account: str) -> None:
        self._account = account

    # Registering

    def register(
        self,
        service_registry_arn: str,
        task_id: str,
        address: str,
        port: int | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Register a task that is up, or move it to another address; a deleted service is only logged.

        attributes: what ECS adds, for instance ECS_SERVICE_NAME.
        """
        given = {**(attributes or {}), "AWS_INSTANCE_IPV4": address}
        if port is not None:
            given["AWS_INSTANCE_PORT"] = str(port)
        backend, service_id = self._find(service_registry_arn)
        try:
            backend.register_instance(service_id, task_id, task_id, given)
        except ServiceNotFound:
            log.warning("Task %s is not registered: there is no %s.", task_id, service_registry_arn)

    def deregister(self, service_registry_arn: str, task_id: str) -> None:
        """Remove a task; harmless if it or its service is gone."""
        backend, service_id = self._find(service_registry_arn)
        try:
            backend.deregister_instance(service_id, task_id)
        except (ServiceNotFound, InstanceNotFound):
            log.debug("Task %s was not registered with %s.", task_id, service_registry_arn)

    def _find(self, arn: str) -> tuple[Any, str]:
        return servicediscovery_backends[self._account][arn.split(":")[3]], arn.rsplit("/", 1)[-1]

    # Answering

    def answer(self, name: str, kind: str) -> Answer | None:
        """See Zone: names in a DNS namespace are ours, whether or not there is such a service."""
        found = None
        for region in list(servicediscovery_backends[self._account].values()):
            for namespace in list(region.namespaces.values()):
                zone = namespace.name.lower()
                if namespace.type == "HTTP" or not (name == zone or name.endswith(f".{zone}")):
                    continue
                start = (namespace.dns_properties or {}).get("SOA") or {}
                negative = int(start.get("TTL", DEFAULT_NEGATIVE_TTL))
                found = select(zone, name, kind, _records(region, namespace, zone), negative)
                if found.exists:
                    return found
        return found


def _records(region: Any, namespace: Any, zone: str) -> Iterator[Record]:
    """Every record that Cloud Map keeps in a namespace's hosted zone."""
    for service in list(region.services.values()):
        if service.namespace_id != namespace.id:
            continue
        name = f"{service.name.lower()}.{zone}"
        config = service.dns_config or {}
        instances = _answering(list(service.instances), config.get("RoutingPolicy", "MULTIVALUE"))
        for wanted in config.get("DnsRecords", ()):
            for instance in instances:
                yield from _records_of(instance, name, wanted["Type"], int(wanted["TTL"]))


def _answering(instances: list[Any], policy: str) -> list[Any]:
    """The healthy instances in random order, all if none is; one of them where the policy is WEIGHTED."""
    healthy = [one for one in instances if one.health_status == "HEALTHY"] or instances
    shuffled = random.sample(healthy, len(healthy))
    return shuffled[:1] if policy == "WEIGHTED" else shuffled


def _records_of(instance: Any, name: str, kind: str, ttl: int) -> Iterator[Record]:
    given = instance.attributes
    address, port = given.get("AWS_INSTANCE_IPV4"), given.get("AWS_INSTANCE_PORT")
    if kind == "AAAA" and "AWS_INSTANCE_IPV6" in given:
        yield Record(name, kind, ttl, given["AWS_INSTANCE_IPV6"])
    if kind == "A" and address:
        yield Record(name, kind, ttl, address)
    if kind == "SRV" and port:
        target = f"{instance.instance_id.lower()}.{name}"
        yield Record(name, kind, ttl, f"1 1 {port} {target}")
        if address:
            yield Record(target, "A", ttl, address)
