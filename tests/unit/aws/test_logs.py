"""Log streams: names, last lines, pages."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.aws.logs import ContainerLogs, RunningTaskLog, shared_clients
from airflow_fargate.settings.config import FargateConfig
from aws_model import modelled
from unit.examples import ARN

LAUNCH_ID = "0f7c6c5e-6f0e-4f0f-9d4b-0d6a6b2b7f10"


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
    return ContainerLogs({"logs": modelled("logs", client)}.__getitem__, "/worker", prefix, "worker")


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
    assert logs(client).lines(ARN) == ["2026-01-01T00:00:00.000Z a", "2026-01-01T00:00:00.000Z b"]
    assert [each.get("nextToken") for each in client.asked] == [None, "1", "2"]


def test_the_worker_s_own_lines_are_left_as_they_are() -> None:
    """They are JSON with their time in it: Airflow's page shows them as a task's log, not as text."""
    client = Logs()
    own = '{"timestamp": "2026-01-01T00:00:00Z", "event": "hello"}'
    client.get_log_events = lambda **_: {"events": [{"message": own, "timestamp": 1}, {"message": "bare"}]}  # type: ignore[method-assign]
    assert logs(client).lines(ARN) == [own, "bare"]


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


class Ecs:
    """A cluster with one task, found by its startedBy."""

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        wanted = (f"airflow/{LAUNCH_ID}", "RUNNING")
        return {"taskArns": [ARN] if (request["startedBy"], request["desiredStatus"]) == wanted else []}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        return {"tasks": [{"taskArn": ARN, "lastStatus": "RUNNING"}]}


def running(client: Logs, ecs: Any = None, **changes: Any) -> RunningTaskLog:
    """Return what the page shows over these clients."""
    options = {
        "cluster": "airflow",
        "task_definition": "worker",
        "container_name": "worker",
        "subnets": ("subnet-1",),
        "log_group": "/worker",
        "log_stream_prefix": "worker",
    }
    config = FargateConfig(**{**options, **changes})
    clients = {"logs": client, "ecs": ecs or Ecs()}
    return RunningTaskLog(config, lambda service: modelled(service, clients[service]))


def test_a_running_task_s_log_names_its_stream_and_the_console() -> None:
    """The messages: group and stream, the stream's page, the task's page; then the lines."""
    messages, lines = running(Logs()).whole(ARN)
    assert messages[0].startswith("CloudWatch /worker worker/worker/")
    assert [each.partition("?")[0] for each in messages[1:]] == [
        "https://console.aws.amazon.com/cloudwatch/home",
        f"https://console.aws.amazon.com/ecs/v2/clusters/airflow/tasks/{ARN.rpartition('/')[2]}",
    ]
    assert lines == ["2026-01-01T00:00:00.000Z a", "2026-01-01T00:00:00.000Z b"]


def test_a_streamed_log_is_read_while_it_is_shown() -> None:
    """The second page is not asked for before the first one was taken: memory holds one."""
    client = Logs()
    messages, (stream,) = running(client).streaming(ARN)
    assert messages
    assert client.asked == []
    assert next(stream) == "2026-01-01T00:00:00.000Z a"
    assert len(client.asked) == 1
    assert list(stream) == ["2026-01-01T00:00:00.000Z b"]


def test_a_task_whose_arn_was_not_recorded_is_found_by_its_launch_id() -> None:
    """Airflow dropped the report of the ARN: the page shows the log all the same."""
    assert running(Logs()).whole(LAUNCH_ID) == running(Logs()).whole(ARN)


def test_a_log_that_cannot_be_read_is_explained_in_the_ui() -> None:
    """For example no container, stream, group, permission or connection: a message, never an exception."""
    unknown = "11111111-1111-4111-8111-111111111111"
    missing = Logs(Logs.exceptions.ResourceNotFoundException())
    assert "has not started yet" in running(Logs()).whole("")[0][0]
    assert "has not started yet" in running(Logs()).whole(unknown)[0][0]
    assert "has not started yet" in running(missing).whole(ARN)[1][0]
    assert "needs [fargate] log_group" in running(Logs(), log_group="").whole(ARN)[0][0]
    assert "could not be read: denied" in running(Logs(PermissionError("denied"))).whole(ARN)[1][0]
    assert "could not be found" in running(Logs(), ecs=object()).whole(LAUNCH_ID)[0][0]


def test_the_uis_clients_are_cached() -> None:
    """The UI asks every few seconds; a client is made once."""
    assert shared_clients("eu-west-1") is shared_clients("eu-west-1")
    assert shared_clients("eu-west-1") is not shared_clients("us-east-1")
