"""Log streams: names, last lines, pages."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.logs import ContainerLogs
from unit.examples import ARN


class Logs:
    """CloudWatch Logs with two pages of one stream."""

    class exceptions:  # noqa: N801  boto3's name
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[dict[str, Any]] = []

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.error:
            raise self.error
        if not request["startFromHead"]:
            return {"events": [{"message": "last"}]}
        page = {None: ("a", "1"), "1": ("b", "2"), "2": (None, "2")}[request.get("nextToken")]
        events = [{"message": page[0], "timestamp": 1_767_225_600_000}] if page[0] else []
        return {"events": events, "nextForwardToken": page[1]}


def logs(client: Logs, prefix: str = "worker") -> ContainerLogs:
    """Return the logs of a container over a client."""
    return ContainerLogs({"logs": client}.__getitem__, "/group", prefix, "worker")


@pytest.mark.parametrize(
    ("prefix", "stream"),
    [
        ("worker", "worker/worker/0123456789abcdef0123456789abcdef"),
        ("", "worker/0123456789abcdef0123456789abcdef"),
    ],
)
def test_streams_are_named_as_the_driver_names_them(prefix: str, stream: str) -> None:
    """prefix/container/task id."""
    assert logs(Logs(), prefix).stream(ARN) == stream


def test_the_whole_log_is_read_page_by_page_with_times() -> None:
    """Until the token is the one that was asked with."""
    client = Logs()
    assert logs(client).lines(ARN) == ["2026-01-01 00:00:00 a", "2026-01-01 00:00:00 b"]
    assert [each.get("nextToken") for each in client.asked] == [None, "1", "2"]


def test_last_lines_are_one_call() -> None:
    """The newest, limited."""
    client = Logs()
    assert logs(client).last_lines(ARN, 20) == ("last",)
    assert [each["limit"] for each in client.asked] == [20]


def test_a_stream_that_is_not_there_has_no_lines() -> None:
    """The container wrote nothing: no error. Anything else is one."""
    assert logs(Logs(Logs.exceptions.ResourceNotFoundException())).last_lines(ARN, 1) == ()
    with pytest.raises(PermissionError):
        logs(Logs(PermissionError())).last_lines(ARN, 1)
