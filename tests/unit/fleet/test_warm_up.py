"""Loading what the first burst of launches needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_fargate.fleet.fleet import Fleet
from airflow_fargate.testing import ManualClock
from scenarios.world import CONFIG


@pytest.mark.parametrize(("bucket", "expected"), [("payloads", ["ecs", "s3"]), ("", ["ecs"])])
def test_clients_are_made_before_the_first_launch(bucket: str, expected: list[str]) -> None:
    """A client that cannot be made delays no other."""
    asked: list[str] = []

    def clients(service: str) -> None:
        asked.append(service)
        raise OSError("no credentials yet")

    Fleet(replace(CONFIG, payload_bucket=bucket), clients, ManualClock(), hook=None).warm_up()
    assert asked == expected
