"""ECS Deployment State Change and ECS Service Action events, as EventBridge carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.ecs.rendering import as_datetime, as_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.services.records import Deployment, Service


@dataclass(frozen=True)
class ServiceEvent:
    """One event about a service; it travels as a TaskEvent does."""

    event_id: str
    time: float
    kind: str
    arn: str
    region: str
    account: str
    detail: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """The ARN of the service."""
        return self.arn

    def envelope(self) -> dict[str, Any]:
        """The event as EventBridge writes it to a target."""
        return {
            "version": "0",
            "id": self.event_id,
            "detail-type": self.kind,
            "source": "aws.ecs",
            "account": self.account,
            "time": as_datetime(self.time).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": [self.arn],
            "detail": dict(self.detail),
        }


def deployment_event(
    service: Service, deployment: Deployment, state: str, now: float, event_id: str
) -> ServiceEvent:
    """An ECS Deployment State Change: `state` is IN_PROGRESS, COMPLETED or FAILED."""
    detail = {
        "eventType": "ERROR" if state == "FAILED" else "INFO",
        "eventName": f"SERVICE_DEPLOYMENT_{state}",
        "deploymentId": deployment.id,
        "updatedAt": as_iso(now),
        "reason": deployment.reason,
    }
    return _event(service, "ECS Deployment State Change", detail, now, event_id)


def action_event(  # noqa: PLR0913, PLR0917  what an event is made of
    service: Service, level: str, name: str, reason: str | None, now: float, event_id: str
) -> ServiceEvent:
    """An ECS Service Action of a level (INFO, WARN, ERROR)."""
    detail = {
        "eventType": level,
        "eventName": name,
        "clusterArn": service.cluster_arn,
        "createdAt": as_iso(now),
    }
    if reason is not None:
        detail["reason"] = reason
    if name == "SERVICE_DESIRED_COUNT_UPDATED":
        return _event(
            service, "ECS Service Action", {**detail, "desiredCount": service.desired_count}, now, event_id
        )
    return _event(service, "ECS Service Action", detail, now, event_id)


def _event(service: Service, kind: str, detail: Mapping[str, Any], now: float, event_id: str) -> ServiceEvent:
    return ServiceEvent(event_id, now, kind, service.arn, service.region, service.account, detail)
