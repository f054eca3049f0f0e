"""How the deployments of a service follow each other. Pure but for the records it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.services.records import (
    ACTIVE,
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    OF_A_DEPLOYMENT,
    PRIMARY,
    Deployment,
    Rollout,
)

if TYPE_CHECKING:
    from random import Random

    from local_cloud.services.records import Service

BREAKER = "ECS deployment circuit breaker: "
TASKS_FAILED = f"{BREAKER}tasks failed to start."
NO_CANDIDATE = "No rollback candidate was found to run the rollback."
OPEN = (IN_PROGRESS, "ROLLBACK_IN_PROGRESS")


def begin(service: Service, now: float, random: Random) -> Deployment:
    """Make a new PRIMARY deployment; the one before it, if any, becomes ACTIVE and drains."""
    settings = {name: service.settings[name] for name in OF_A_DEPLOYMENT if name in service.settings}
    number = f"{random.randrange(10**18, 10**19)}"
    deployment = Deployment(f"ecs-svc/{number}", settings, now, now)
    deployment.reason = f"ECS deployment {deployment.id} in progress."
    sources = tuple(service.deployments)
    for older in sources:
        older.status, older.updated_at = ACTIVE, now
    _close_rollout(service, "STOPPED", "The service deployment was replaced by a newer one.", now)
    prefix = f"arn:aws:ecs:{service.region}:{service.account}:service-deployment"
    rollout = Rollout(
        arn=f"{prefix}/{service.cluster_name}/{service.name}/{number}",
        target=deployment,
        sources=sources,
        created_at=now,
        updated_at=now,
        configuration=service.settings["deploymentConfiguration"],
        threshold=service.threshold,
    )
    service.rollouts.append(rollout)
    service.deployments.insert(0, deployment)
    service.steady = False
    return deployment


def note_failure(service: Service, deployment: Deployment) -> None:
    """Show the failures of a deployment in its rollout."""
    for rollout in service.rollouts:
        if rollout.target is deployment and rollout.status in OPEN:
            rollout.failures = deployment.failed_tasks


def has_tripped(service: Service) -> bool:
    """Whether the circuit breaker ends the PRIMARY deployment now."""
    primary = service.primary
    return (
        service.circuit_breaker["enable"]
        and primary.rollout_state == IN_PROGRESS
        and primary is not service.last_completed
        and primary.failed_tasks >= service.threshold
    )


def fail(service: Service, now: float, *, rollback: bool, cause: str) -> Deployment | None:
    """Make the PRIMARY deployment FAILED; returns the deployment that is PRIMARY instead, if any."""
    failed, target = service.primary, service.last_completed
    failed.rollout_state, failed.updated_at, failed.reason = FAILED, now, cause
    if not rollback:
        _close_rollout(service, "STOPPED", failed.reason, now)
        return None
    if target is None:
        _close_rollout(service, "ROLLBACK_FAILED", f"{failed.reason} {NO_CANDIDATE}", now)
        return None
    rollout = service.rollouts[-1]
    rollout.status, rollout.reason, rollout.updated_at = "ROLLBACK_IN_PROGRESS", failed.reason, now
    rollout.rollback = (f"Service deployment rolled back: {failed.reason}", target, now)
    failed.status = ACTIVE
    target.status, target.rollout_state, target.updated_at = PRIMARY, IN_PROGRESS, now
    target.reason = f"{BREAKER}rolling back to deploymentId {target.id}."
    target.failed_tasks, target.retry_at = 0, 0.0
    service.deployments[:] = [target, *(item for item in service.deployments if item is not target)]
    kept = {name: value for name, value in service.settings.items() if name not in OF_A_DEPLOYMENT}
    service.settings = {**kept, **target.settings}
    service.steady = False
    return target


def complete(service: Service, now: float) -> None:
    """Make the PRIMARY deployment COMPLETED: a later rollback returns to it."""
    primary = service.primary
    primary.rollout_state, primary.updated_at = COMPLETED, now
    primary.reason = f"ECS deployment {primary.id} completed."
    service.last_completed = primary
    rollout = service.rollouts[-1]
    _close_rollout(
        service,
        "SUCCESSFUL" if rollout.target is primary else "ROLLBACK_SUCCESSFUL",
        rollout.reason,
        now,
    )


def _close_rollout(service: Service, status: str, reason: str | None, now: float) -> None:
    if service.rollouts and service.rollouts[-1].status in OPEN:
        rollout = service.rollouts[-1]
        rollout.status, rollout.reason = status, reason
        rollout.finished_at = rollout.updated_at = now
