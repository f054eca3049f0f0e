"""The schedulers' statuses, read from the payload bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_fargate.cli.containers import duration
from airflow_fargate.cli.findings import explain, is_denied
from airflow_fargate.fleet.status import FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.settings.config import FargateConfig

OLD_SECONDS = 60.0
"""The age after which a status does not count: six were missed."""
_MOST_SCHEDULERS = 20


def read_statuses(
    config: FargateConfig, clients: ClientSource, now: float, team: str = ""
) -> tuple[list[Any], str]:
    """Return the current status of each scheduler, and what is missing: a sentence, empty if nothing is.

    Args:
        config: says where they are.
        clients: returns the S3 client.
        now: seconds since the epoch.
        team: whose statuses; others' may be in the same place.
    """
    if not config.payload_bucket:
        return [], (
            "[fargate] payload_bucket is not set, so the schedulers cannot write their status. Sizes and "
            "costs are those of the configuration; launches, standbys and failures are unknown."
        )
    place = f"s3://{config.payload_bucket}/{config.status_prefix}"
    try:
        found = [each for each in _read(config, clients) if each["team"] == team]
    except Exception as error:  # noqa: BLE001  the page shows it
        hint = (
            f" The API server's role needs s3:ListBucket and s3:GetObject for {place}, and kms:Decrypt for "
            "the bucket's key: attach Terraform's reader_policy_arn."
            if is_denied(error)
            else ""
        )
        return [], f"The schedulers' status could not be read.{hint} {explain(error)}"
    current = [each for each in found if now - each["written_at"] < OLD_SECONDS]
    if current:
        return current, ""
    if not found:
        return [], (
            f"No scheduler has written its status to {place} yet. It does so ten seconds after its start; "
            "its log says if it cannot."
        )
    age = now - max(each["written_at"] for each in found)
    return [], (
        f"The latest status of a scheduler is {duration(age)} old. No scheduler runs, or it cannot write to "
        f"{place}; then its log says so."
    )


def _read(config: FargateConfig, clients: ClientSource) -> list[Mapping[str, Any]]:
    """Return the statuses that were written in the last minute before the latest one."""
    s3 = clients("s3")
    listed = s3.list_objects_v2(Bucket=config.payload_bucket, Prefix=config.status_prefix)
    objects = sorted(listed.get("Contents", ()), key=lambda each: each["LastModified"], reverse=True)
    found = []
    for each in objects[:_MOST_SCHEDULERS]:
        # By S3's clock alone: this machine's may differ.
        if (objects[0]["LastModified"] - each["LastModified"]).total_seconds() < OLD_SECONDS:
            answer = s3.get_object(Bucket=config.payload_bucket, Key=each["Key"])
            found.append(json.loads(answer["Body"].read()))
    return [each for each in found if each["format"] == FORMAT]
