"""Estimate what Fargate bills for a task, from its size and timeline. Pure.

Source: https://aws.amazon.com/fargate/pricing/, us-east-1, Linux, as of March 2026. Other regions cost more,
Savings Plans less. The Spot price varies; 0.30 to 0.33 of On-Demand was observed. Data transfer, log storage
and public addresses are not included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_fargate.aws.ecs_task import EcsTask

ARM = "arm64"
FARGATE_SPOT = "FARGATE_SPOT"
SPOT_SHARE = 0.3
"""The Spot price divided by the On-Demand price."""
FREE_STORAGE_GIB = 20
MINIMUM_SECONDS = 60.0
_UNITS_PER_VCPU, _MIB_PER_GIB = 1024, 1024
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Prices:
    """On-Demand prices in USD per hour: of a vCPU, a GB of memory, and a GB of storage above the free 20."""

    vcpu_hour: float
    gb_hour: float
    storage_gb_hour: float = 0.000111


X86 = Prices(vcpu_hour=0.04048, gb_hour=0.004445)
GRAVITON = Prices(vcpu_hour=0.03238, gb_hour=0.00356)


def billed_seconds(task: EcsTask, now: float) -> float:
    """Return the seconds that Fargate bills: from the start of the image pull to the stop, at least 60.

    Args:
        task: the task.
        now: seconds since the epoch, for a task that has not ended.
    """
    start = task.at("pullStartedAt") or task.at("startedAt")
    if start is None:
        return 0.0
    end = task.at("stoppedAt") or task.at("executionStoppedAt") or now
    return max(MINIMUM_SECONDS, end - start)


def cost(task: EcsTask, now: float, given: Prices | None = None) -> float:
    """Return the estimated cost in USD; 0 if the size of the task is unknown.

    Args:
        task: the task.
        now: seconds since the epoch, for a task that has not ended.
        given: On-Demand prices; None for those of the task's architecture.
    """
    prices = given or (GRAVITON if task.architecture == ARM else X86)
    hourly = (
        (task.cpu or 0) / _UNITS_PER_VCPU * prices.vcpu_hour
        + (task.memory or 0) / _MIB_PER_GIB * prices.gb_hour
        + max(0, (task.storage or 0) - FREE_STORAGE_GIB) * prices.storage_gb_hour
    )
    share = SPOT_SHARE if task.capacity_provider == FARGATE_SPOT else 1.0
    return billed_seconds(task, now) / _SECONDS_PER_HOUR * hourly * share
