"""Problems are logged once per change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_fargate.fleet.threads import Health
from unit.examples import client_error

if TYPE_CHECKING:
    import pytest


def test_a_cause_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand failures with one cause give one line; another cause, and the recovery, give one each."""
    caplog.set_level(logging.INFO)
    health = Health(logging.getLogger("health"))
    health.works("listener")
    for _ in range(1000):
        health.failed("listener", client_error("AccessDenied", "no"), doing="receiving events")
    health.failed("listener", client_error("ExpiredToken", "old"), doing="receiving events")
    assert health.complaints() == {"listener": "ClientError ExpiredToken"}
    health.works("listener")
    health.works("listener")
    assert health.complaints() == {}
    messages = [record.getMessage() for record in caplog.records]
    assert [message.partition(";")[0] for message in messages] == [
        "listener failed while receiving events",
        "listener failed while receiving events",
        "listener works again",
    ]
    assert "(AccessDenied)" in messages[0]
    assert "(ExpiredToken)" in messages[1]


def test_parts_are_independent() -> None:
    """The recovery of one part does not concern another."""
    health = Health(logging.getLogger("health"))
    health.failed("a", OSError("x"), doing="one")
    health.failed("b", OSError("x"), doing="two")
    health.works("a")
    assert health.complaints() == {"b": "OSError"}
