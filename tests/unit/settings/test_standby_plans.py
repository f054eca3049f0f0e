"""`[fargate] standby`: floors, windows, and what is wrong with a value."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_fargate.errors import ConfigurationError
from airflow_fargate.executor import check_standby
from airflow_fargate.settings import options
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.standby_plans import parse_plans


def at(text: str) -> float:
    """Return a moment of 2026 (UTC) in seconds since the epoch; 2026-03-02 is a Monday."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=timezone.utc).timestamp()


def target(plan: dict[str, Any], moment: str) -> int:
    """Return how many standbys a queue of this plan has at a moment."""
    return parse_plans({"q": plan})["q"].target(at(moment))


@pytest.mark.parametrize(
    ("plan", "moment", "number"),
    [
        ({"min": 2}, "03-02T12:00", 2),
        ({}, "03-02T12:00", 0),
        ({"min": 1, "windows": [{"hours": "06:00-08:30", "min": 5}]}, "03-02T05:59", 1),
        ({"min": 1, "windows": [{"hours": "06:00-08:30", "min": 5}]}, "03-02T06:00", 5),
        ({"min": 1, "windows": [{"hours": "06:00-08:30", "min": 5}]}, "03-02T08:30", 1),
        ({"windows": [{"hours": "22:00-02:00", "days": "mon", "min": 3}]}, "03-03T01:59", 3),
        ({"windows": [{"hours": "22:00-02:00", "days": "mon", "min": 3}]}, "03-02T01:59", 0),
        ({"windows": [{"days": "sat,sun", "min": 3}]}, "03-07T00:00", 3),
        ({"windows": [{"days": "fri-mon", "min": 3}]}, "03-03T00:00", 0),
        ({"windows": [{"hours": "06:00-07:00", "timezone": "Europe/Berlin", "min": 3}]}, "03-02T05:30", 3),
        # Summer time: an hour earlier by UTC.
        ({"windows": [{"hours": "06:00-07:00", "timezone": "Europe/Berlin", "min": 3}]}, "07-06T04:30", 3),
    ],
)
def test_a_window_raises_the_floor_while_it_is_open(plan: dict[str, Any], moment: str, number: int) -> None:
    """By its own clock, past midnight too."""
    assert target(plan, moment) == number


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (2, "must be a JSON object"),
        ({"min": -1}, "min must be an integer from 0 to 1000, got -1"),
        ({"min": True}, "got True"),
        ({"min": 3, "max": 2}, "max 2 is below min 3"),
        ({"floor": 1}, "'floor' is not known. Allowed: max, min, windows"),
        ({"windows": 1}, "windows must be a list"),
        ({"windows": [{"hours": "6-8", "min": 1}]}, "hours must be like 06:00-08:30, got '6-8'"),
        ({"windows": [{"hours": "06:00-06:00", "min": 1}]}, "hours must be like"),
        ({"windows": [{"days": "monday", "min": 1}]}, "days must be like mon-fri"),
        ({"windows": [{"timezone": "Mars/One", "min": 1}]}, "timezone 'Mars/One' is not known"),
        ({"windows": [{}]}, "min must be an integer"),
        ({"windows": ["x"]}, "a window must be a JSON object"),
    ],
)
def test_a_wrong_plan_says_which_queue_and_what_to_write(plan: Any, says: str) -> None:
    """The queue, the value, and the form that is expected."""
    with pytest.raises(ValueError, match="'nightly'") as caught:
        parse_plans({"nightly": plan})
    assert says in str(caught.value)


def test_standbys_need_a_bucket() -> None:
    """Their task reaches them through it; the executor does not start without."""
    needed = {each.name: each.example for each in options.OPTIONS if each.required}
    section = {**needed, "standby": '{"default": {"min": 1}}'}
    with pytest.raises(ConfigurationError, match="standby needs payload_bucket"):
        read_config(section, section.get)


def test_a_release_that_can_lose_a_launch_id_refuses_standbys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.2.2; without the option nothing is said."""
    monkeypatch.setattr("airflow_fargate.airflow_versions.ASSIGNS_IDS", False)
    config = FargateConfig("c", "t", "w", ("s",), payload_bucket="b", standby={"default": {"min": 1}})
    with pytest.raises(ConfigurationError, match=r"needs Airflow 3\.2\.2 or later"):
        check_standby(config)
    check_standby(FargateConfig("c", "t", "w", ("s",)))
