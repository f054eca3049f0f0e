"""What moto's Cloud Map does otherwise than AWS, as far as ECS and Terraform meet it.

A second registration of an instance replaces the first (moto keeps both). What is still in use cannot be
deleted, and a namespace takes its hosted zone along (in moto it stays for ever). Two namespaces of one VPC
are in conflict only if they have the same name.
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.route53.models import route53_backends
from moto.servicediscovery.exceptions import ConflictingDomainExists
from moto.servicediscovery.models import ServiceDiscoveryBackend
from moto.utilities.utils import get_partition

_create_private = ServiceDiscoveryBackend.create_private_dns_namespace
_create_service = ServiceDiscoveryBackend.create_service
_delete_namespace = ServiceDiscoveryBackend.delete_namespace
_delete_service = ServiceDiscoveryBackend.delete_service
_register = ServiceDiscoveryBackend.register_instance


class ResourceInUseError(JsonRESTError):  # type: ignore[misc]  # moto is not followed
    """The resource still holds others."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceInUse", message)


def create_private_dns_namespace(
    backend: Any,
    name: str,
    creator_request_id: str,
    description: str,
    vpc: str,
    **more: Any,
) -> str:
    """Create the namespace unless the VPC has one of that name."""
    others = [(item, item.vpc) for item in backend.namespaces.values()]
    if any(item.vpc == vpc and item.name == name for item, _ in others):
        raise ConflictingDomainExists(vpc)
    # moto refuses any second namespace of a VPC: for this call the others are in none.
    for item, _ in others:
        item.vpc = None
    try:
        return str(_create_private(backend, name, creator_request_id, description, vpc, **more))
    finally:
        for item, before in others:
            item.vpc = before


def create_service(backend: Any, **given: Any) -> Any:
    """Create a service; its namespace may be named in its DNS configuration only, as Terraform does."""
    named = given.get("namespace_id") or (given.get("dns_config") or {}).get("NamespaceId")
    return _create_service(backend, **{**given, "namespace_id": named})


def delete_namespace(backend: Any, namespace_id: str) -> str:
    """Delete an empty namespace and its hosted zone."""
    namespace = backend.get_namespace(namespace_id)
    if any(service.namespace_id == namespace_id for service in backend.services.values()):
        raise ResourceInUseError(f"Namespace {namespace_id} contains services; delete them first.")
    zone = (namespace.dns_properties or {}).get("HostedZoneId")
    zones = route53_backends[backend.account_id][get_partition(backend.region_name)].zones
    zones.pop(zone, None)
    return str(_delete_namespace(backend, namespace_id))


def delete_service(backend: Any, service_id: str) -> None:
    """Delete a service without instances."""
    if backend.get_service(service_id).instances:
        raise ResourceInUseError(
            f"Service {service_id} contains registered instances; deregister them first."
        )
    _delete_service(backend, service_id)


def register_instance(backend: Any, service_id: str, instance_id: str, *arguments: Any, **given: Any) -> str:
    """Register an instance in place of one with the same id."""
    service = backend.get_service(service_id)
    service.instances = [item for item in service.instances if item.instance_id != instance_id]
    return str(_register(backend, service_id, instance_id, *arguments, **given))


def install() -> None:
    """Put all this in place of moto's; once per process."""
    ServiceDiscoveryBackend.create_private_dns_namespace = create_private_dns_namespace
    ServiceDiscoveryBackend.create_service = create_service
    ServiceDiscoveryBackend.delete_namespace = delete_namespace
    ServiceDiscoveryBackend.delete_service = delete_service
    ServiceDiscoveryBackend.register_instance = register_instance
