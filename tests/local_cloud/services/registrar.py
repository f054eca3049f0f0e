"""Where the tasks of a service with `serviceRegistries` are made known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Registrar(Protocol):
    """Cloud Map, as ECS uses it."""

    def register(
        self,
        service_registry_arn: str,
        task_id: str,
        address: str,
        port: int | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Add a task that runs and, if it has a health check, is healthy."""

    def deregister(self, service_registry_arn: str, task_id: str) -> None:
        """Remove a task; harmless if it is not registered."""


class NoRegistrar:
    """For a plane without Cloud Map."""

    def register(
        self,
        service_registry_arn: str,
        task_id: str,
        address: str,
        port: int | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """See Registrar."""

    def deregister(self, service_registry_arn: str, task_id: str) -> None:
        """See Registrar."""
