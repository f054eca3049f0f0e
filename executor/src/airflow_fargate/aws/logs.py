"""The worker container's CloudWatch log stream: its last lines, a running task's log, and their links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_fargate.aws import console, ecs
from airflow_fargate.aws.clients import BotoClients
from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.settings.config import FargateConfig

_PAGE = 10_000  # events; GetLogEvents returns at most 10,000 or 1 MB
_READERS = 10  # connections for the API server's threads
_NOT_YET = "The container has not started yet. Its log will be read from CloudWatch."
_NO_GROUP = "The log of a running task needs [fargate] log_group. Set it to the container's log group."


@dataclass(frozen=True)
class ContainerLogs:
    """Reads one log group.

    Args:
        clients: returns the CloudWatch Logs client.
        group: the log group.
        prefix: awslogs-stream-prefix.
        container: the container's name.
    """

    clients: ClientSource
    group: str
    prefix: str
    container: str

    def stream(self, arn: str) -> str:
        """Return the name that the awslogs driver gives to the stream of a task's container."""
        return "/".join(filter(None, (self.prefix, self.container, arn.rsplit("/", 1)[-1])))

    def last_lines(self, arn: str, count: int) -> tuple[str, ...]:
        """Return up to ``count`` of the last lines; none if there is no stream yet.

        Raises:
            Exception: what boto3 raises, except for a missing stream.
        """
        client = self.clients("logs")
        try:
            answer = client.get_log_events(
                logGroupName=self.group, logStreamName=self.stream(arn), limit=count, startFromHead=False
            )
        except client.exceptions.ResourceNotFoundException:
            return ()
        return tuple(clean(event.get("message", "")) for event in answer.get("events") or ())

    def link(self, arn: str) -> str:
        """Return the link to the stream in AWS's console; empty if there is none."""
        return console.log_link(arn, self.group, self.stream(arn))

    def lines(self, arn: str) -> list[str]:
        """Return the whole stream so far, each line with its time in UTC.

        Raises:
            Exception: what boto3 raises.
        """
        return list(self.read(arn))

    def read(self, arn: str) -> Iterator[str]:
        """Yield the stream so far, each line with its time in UTC. Pages are read as they are needed.

        Raises:
            Exception: what boto3 raises.
        """
        client, token = self.clients("logs"), None
        while True:
            page: dict[str, Any] = {"nextToken": token} if token else {}
            answer = client.get_log_events(
                logGroupName=self.group,
                logStreamName=self.stream(arn),
                startFromHead=True,
                limit=_PAGE,
                **page,
            )
            for event in answer.get("events") or ():
                yield _line(event)
            # At the end of a stream AWS returns the token of the request.
            if answer.get("nextForwardToken") in (None, token):
                return
            token = answer["nextForwardToken"]


@dataclass(frozen=True)
class RunningTaskLog:
    """The log of a running task for Airflow's UI: its source, and its lines.

    Args:
        config: the ``[fargate]`` section.
        clients: returns boto3 clients.
    """

    config: FargateConfig
    clients: ClientSource

    def whole(self, external_executor_id: str) -> tuple[list[str], list[str]]:
        """Return (messages, lines), as ``get_task_log`` does. Never raises."""
        messages, lines = self.streaming(external_executor_id)
        return messages, [line for each in lines for line in each]

    def streaming(self, external_executor_id: str) -> tuple[list[str], list[Iterator[str]]]:
        """Return (messages, streams of lines), as Airflow 3.4's ``get_streaming_task_log`` does.

        The log is read while it is shown, so the API server holds one page of it at a time. If reading fails,
        the error is the last line. Never raises.
        """
        try:
            arn = self._arn(external_executor_id)
        except Exception as error:  # noqa: BLE001  the UI shows the error
            return [f"The container could not be found: {error}"], []
        if not self.config.log_group or not arn:
            return [_NOT_YET if self.config.log_group else _NO_GROUP], []
        config = self.config
        logs = ContainerLogs(self.clients, config.log_group, config.log_stream_prefix, config.container_name)
        messages = [f"CloudWatch {logs.group} {logs.stream(arn)}", logs.link(arn), console.task_link(arn)]
        return [each for each in messages if each], [_guarded(logs, arn)]

    def _arn(self, external_executor_id: str) -> str:
        """Return the task's ARN; empty if the task has not started.

        If another scheduler holds the row, Airflow drops the ARN that we report, and the launch id remains.
        """
        if external_executor_id.startswith("arn:") or not external_executor_id:
            return external_executor_id
        started_by = f"{self.config.deployment}/{external_executor_id}"
        found = ecs.find_by_launch_id(self.clients("ecs"), self.config.cluster, started_by)
        return found.arn if found is not None else ""


@cache
def shared_clients(region: str | None) -> ClientSource:
    """Return clients for the UI, cached: it asks every few seconds, and making a client is slow."""
    return BotoClients(region, _READERS)


def _guarded(logs: ContainerLogs, arn: str) -> Iterator[str]:
    try:
        yield from logs.read(arn)
    except Exception as error:  # noqa: BLE001  the UI shows the error
        missing = "ResourceNotFound" in type(error).__name__
        yield _NOT_YET if missing else f"{logs.group} {logs.stream(arn)} could not be read: {error}"


def _line(event: Mapping[str, Any]) -> str:
    """Return a line in the form that Airflow's UI parses.

    The worker writes JSON lines with their own time. Any other line gets the time of its arrival in front,
    because the UI parses the first word of a line as its time.
    """
    message, milliseconds = clean(event.get("message", ""), limit=None), event.get("timestamp")
    if message.startswith("{") or not isinstance(milliseconds, (int, float)):
        return message
    when = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    return f"{when.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} {message}"
