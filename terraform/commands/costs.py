"""What the complete deployment costs a month, tasks not included: list prices of us-east-1. Pure.

Sources: AWS's price pages of Fargate, RDS, VPC, KMS and Secrets Manager, March 2026. Other regions cost more.
Traffic, logs and storage by the GB are not in it, and neither are the tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

HOURS = 730
VCPU_HOUR = {"X86_64": 0.04048, "ARM64": 0.03238}
GB_HOUR = {"X86_64": 0.004445, "ARM64": 0.00356}
NAT_HOUR, ADDRESS_HOUR, ENDPOINT_HOUR = 0.045, 0.005, 0.01
DATABASE_HOUR = {"db.t4g.micro": 0.016, "db.t4g.small": 0.032, "db.t4g.medium": 0.065, "db.t4g.large": 0.129}
DISK_GB_MONTH = 0.115
KEY_MONTH, SECRET_MONTH, ZONE_MONTH = 1.0, 0.4, 0.5
SECRETS = 5
ENDPOINTS = 9
"""Interface endpoints with nat = none: four for tasks, five for Airflow's components."""


@dataclass(frozen=True)
class Size:
    """What a size consists of.

    Args:
        vcpus: of all of Airflow's containers.
        gigabytes: of their memory.
        containers: how many they are.
        nat: the default of the input.
        instance_class: of the database.
        databases: 2 with a standby in another zone.
    """

    vcpus: float
    gigabytes: float
    containers: int
    nat: str
    instance_class: str
    databases: int


SIZES = {
    "small": Size(1.5, 5, 4, "single", "db.t4g.micro", 1),
    "ha": Size(6, 16, 8, "per_zone", "db.t4g.medium", 2),
}
VARIABLES = (
    *("size", "nat", "architecture", "availability_zones", "existing_network", "interface_endpoints"),
    *("database_instance_class", "database_storage_gib"),
)
"""The inputs of the complete deployment that the price depends on."""


def monthly(inputs: Mapping[str, Any]) -> dict[str, float | None]:
    """Return USD a month by part; None for a part without a known price.

    Args:
        inputs: the values of VARIABLES.
    """
    size = SIZES[inputs["size"]]
    architecture = inputs["architecture"]
    zones = len(inputs["availability_zones"] or ()) or 2
    nat = inputs["nat"] or size.nat
    own_network = inputs["existing_network"] is not None
    gateways = 0 if own_network else {"single": 1, "per_zone": zones}.get(nat, 0)
    endpoints = 0 if own_network else len(inputs["interface_endpoints"] or ()) + ENDPOINTS * (nat == "none")
    addresses = gateways + (size.containers if nat == "public" and not own_network else 0)
    hour = DATABASE_HOUR.get(inputs["database_instance_class"] or size.instance_class)
    disk = inputs["database_storage_gib"] * DISK_GB_MONTH
    return {
        "Airflow's containers": HOURS
        * (size.vcpus * VCPU_HOUR[architecture] + size.gigabytes * GB_HOUR[architecture]),
        "database": None if hour is None else size.databases * (HOURS * hour + disk),
        "network": HOURS
        * (gateways * NAT_HOUR + addresses * ADDRESS_HOUR + endpoints * zones * ENDPOINT_HOUR),
        "key, secrets, names": KEY_MONTH + SECRETS * SECRET_MONTH + ZONE_MONTH,
    }


def lines(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """Return the estimate for a person: the sum, and its parts."""
    parts = monthly(inputs)
    known = sum(each for each in parts.values() if each is not None)
    detail = ", ".join(f"{name} {'?' if each is None else f'{each:.0f}'}" for name, each in parts.items())
    return (
        f"about {known:.0f} USD a month without tasks, at list prices of us-east-1:",
        detail,
    )
