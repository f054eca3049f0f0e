"""A running task's log beyond one answer of CloudWatch: 10,000 events, or a megabyte."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from airflow_fargate.aws.logs import ContainerLogs
from unit.examples import ARN

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 25_000
_PER_CALL = 5_000


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerLogs]:
    """Return the logs of a container that wrote 25,000 lines, 2.5 MB."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    with mock_aws():
        client = boto3.client("logs", region_name="us-east-1")
        made = ContainerLogs({"logs": client}.__getitem__, "/worker", "worker", "worker")
        client.create_log_group(logGroupName="/worker")
        client.create_log_stream(logGroupName="/worker", logStreamName=made.stream(ARN))
        now = int(1000 * time.time()) - 3_600_000  # moto takes what is at most two weeks old, as AWS does.
        for first in range(0, LINES, _PER_CALL):
            events: list[Any] = [
                {"timestamp": now + number, "message": f"{number:06d} {'x' * 93}"}
                for number in range(first, first + _PER_CALL)
            ]
            client.put_log_events(logGroupName="/worker", logStreamName=made.stream(ARN), logEvents=events)
        yield made


def test_every_line_is_read_once_and_in_order(logs: ContainerLogs) -> None:
    """To the end of the stream, with boto3's and CloudWatch's pages."""
    lines = logs.lines(ARN)
    assert len(lines) == LINES
    assert [int(line.split()[1]) for line in lines] == list(range(LINES))


def test_the_last_lines_of_a_long_log_are_its_last(logs: ContainerLogs) -> None:
    """Twenty of 25,000, from the end."""
    assert [int(line.split()[0]) for line in logs.last_lines(ARN, 20)] == list(range(LINES - 20, LINES))
