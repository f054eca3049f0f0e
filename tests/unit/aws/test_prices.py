"""The estimate of what Fargate bills."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.aws import prices
from airflow_fargate.aws.ecs_task import parse_task
from airflow_fargate.aws.prices import Prices

HOUR: dict[str, Any] = {
    "taskArn": "arn:aws:ecs:us-east-1:1:task/a/b",
    "lastStatus": "STOPPED",
    "pullStartedAt": "2026-01-01T00:00:00Z",
    "stoppedAt": "2026-01-01T01:00:00Z",
    "cpu": "1024",
    "memory": "2048",
}
"""An hour of one vCPU and two GB."""


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({}, 0.04048 + 2 * 0.004445),
        ({"attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}]}, 0.04937),
        ({"attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}]}, 0.03238 + 2 * 0.00356),
        ({"capacityProviderName": "FARGATE_SPOT"}, 0.3 * 0.04937),
        ({"ephemeralStorage": {"sizeInGiB": 20}}, 0.04937),
        ({"ephemeralStorage": {"sizeInGiB": 120}}, 0.04937 + 100 * 0.000111),
        ({"cpu": None, "memory": None}, 0.0),
        ({"pullStartedAt": None}, 0.0),
    ],
)
def test_an_hour_costs_what_the_price_list_says(changes: dict[str, Any], usd: float) -> None:
    """Size, architecture, Spot and disk count; unknown sizes cost nothing."""
    assert prices.cost(parse_task({**HOUR, **changes}), 0.0) == pytest.approx(usd)


def test_at_least_a_minute_is_billed() -> None:
    """A second costs as much as a minute."""
    short = parse_task({**HOUR, "stoppedAt": "2026-01-01T00:00:01Z"})
    assert prices.billed_seconds(short, 0.0) == 60
    assert prices.billed_seconds(parse_task(HOUR), 0.0) == 3600


def test_a_running_task_is_billed_until_now() -> None:
    """From the image pull, or from the start if the pull is unknown."""
    running = parse_task({**HOUR, "stoppedAt": None})
    began = running.at("pullStartedAt") or 0.0
    assert prices.billed_seconds(running, began + 90) == 90
    started = parse_task(
        {**HOUR, "stoppedAt": None, "pullStartedAt": None, "startedAt": "2026-01-01T00:00:00Z"}
    )
    assert prices.billed_seconds(started, began + 90) == 90


def test_given_prices_are_on_demand_prices() -> None:
    """They replace the list's for every architecture, and Spot is a share of them."""
    given = Prices(vcpu_hour=1.0, gb_hour=0.5)
    arm = parse_task({**HOUR, "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}]})
    assert prices.cost(arm, 0.0, given) == pytest.approx(2.0)
    spot = parse_task({**HOUR, "capacityProviderName": "FARGATE_SPOT"})
    assert prices.cost(spot, 0.0, given) == pytest.approx(0.6)
