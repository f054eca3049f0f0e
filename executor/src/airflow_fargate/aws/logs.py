"""The worker container's CloudWatch log stream: its last lines, a running task's log, and links to both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING

from airflow_fargate.aws import console, ecs
from airflow_fargate.aws.clients import BotoClients
from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.settings.config import FargateConfig

_PAGE = 10_000  # events; GetLogEvents returns at most 10,000 or 1 MB
_READERS = 10  # connections to keep for the API server's threads
_NOT_YET = "The container's log is read from CloudWatch once it has started."
_NO_GROUP = "A running task's log cannot be read: set [fargate] log_group to the container's."


@dataclass(frozen=True)
class ContainerLogs:
    """Reads one log group.

    Args:
        clients: where the CloudWatch Logs client comes from.
        group: the log group.
        prefix: awslogs-stream-prefix.
        container: the container's name.
    """

    clients: ClientSource
    group: str
    prefix: str
    container: str

    def stream(self, arn: str) -> str:
        """Return the name of the stream that the awslogs driver gives a task's container."""
        return "/".join(filter(None, (self.prefix, self.container, arn.rsplit("/", 1)[-1])))

    def last_lines(self, arn: str, count: int) -> tuple[str, ...]:
        """Return up to ``count`` of the last lines; none when there is no stream (yet).

        Raises:
            Exception: what boto3 raises, other than for a missing stream.
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
        """Return the stream's page in AWS's console; empty where there is none."""
        return console.log_link(arn, self.group, self.stream(arn))

    def lines(self, arn: str) -> list[str]:
        """Return the whole stream so far, each line with its time in UTC.

        Raises:
            Exception: what boto3 raises.
        """
        return list(self.read(arn))

    def read(self, arn: str) -> Iterator[str]:
        """Yield the stream so far, each line with its time in UTC; a page is read when it is come to.

        Raises:
            Exception: what boto3 raises.
        """
        client, token = self.clients("logs"), None
        while True:
            page: dict[str, str] = {"nextToken": token} if token else {}
            answer = client.get_log_events(
                logGroupName=self.group,
                logStreamName=self.stream(arn),
                startFromHead=True,
                limit=_PAGE,
                **page,
            )
            for event in answer.get("events") or ():
                yield _line(event)
            # The end of a stream gives back the token that it was asked with.
            if answer.get("nextForwardToken") in (None, token):
                return
            token = answer["nextForwardToken"]


@dataclass(frozen=True)
class RunningTaskLog:
    """What Airflow's page shows of a task while it runs: where its log comes from, and the log.

    Args:
        config: the ``[fargate]`` section.
        clients: where boto3 clients come from.
    """

    config: FargateConfig
    clients: ClientSource

    def whole(self, external_executor_id: str) -> tuple[list[str], list[str]]:
        """Return (messages, lines), as ``get_task_log`` does. Never raises."""
        messages, lines = self.streaming(external_executor_id)
        return messages, [line for each in lines for line in each]

    def streaming(self, external_executor_id: str) -> tuple[list[str], list[Iterator[str]]]:
        """Return (messages, streams of lines), as Airflow 3.4's ``get_streaming_task_log`` does.

        The log is read while it is shown, a page at a time: however long it is, the API server holds one.
        What goes wrong meanwhile is the last line. Never raises.
        """
        try:
            arn = self._arn(external_executor_id)
        except Exception as error:  # noqa: BLE001  the page shows the reason, whatever it is
            return [f"The container could not be looked for: {error}"], []
        if not self.config.log_group or not arn:
            return [_NOT_YET if self.config.log_group else _NO_GROUP], []
        config = self.config
        logs = ContainerLogs(self.clients, config.log_group, config.log_stream_prefix, config.container_name)
        messages = [f"CloudWatch {logs.group} {logs.stream(arn)}", logs.link(arn), console.task_link(arn)]
        return [each for each in messages if each], [_told(logs, arn)]

    def _arn(self, external_executor_id: str) -> str:
        """Return the task's ARN; empty when nothing was started yet.

        Airflow drops the report of an ARN when another scheduler holds the row: then the launch id is there.
        """
        if external_executor_id.startswith("arn:") or not external_executor_id:
            return external_executor_id
        started_by = f"{self.config.deployment}/{external_executor_id}"
        found = ecs.find_by_launch_id(self.clients("ecs"), self.config.cluster, started_by)
        return found.arn if found is not None else ""


@cache
def shared_clients(region: str | None) -> ClientSource:
    """Return the clients for the log page, kept: it asks again every few seconds, and making one is slow."""
    return BotoClients(region, _READERS)


def _told(logs: ContainerLogs, arn: str) -> Iterator[str]:
    try:
        yield from logs.read(arn)
    except Exception as error:  # noqa: BLE001  the page shows the reason, whatever it is
        not_there = "ResourceNotFound" in type(error).__name__
        yield _NOT_YET if not_there else f"{logs.group} {logs.stream(arn)} could not be read: {error}"


def _line(event: dict[str, object]) -> str:
    """Return a line as Airflow's page reads it.

    What the worker writes is JSON with a time of its own, which the page shows as it shows any task's log. To
    anything else the time of its arrival is added: the page takes a line's first word for its time.
    """
    message, milliseconds = clean(event.get("message", ""), limit=None), event.get("timestamp")
    if message.startswith("{") or not isinstance(milliseconds, (int, float)):
        return message
    when = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    return f"{when.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} {message}"
