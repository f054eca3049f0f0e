"""The worker container's CloudWatch log stream: its last lines, and a running task's log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_fargate.ecs import ClientSource

_PAGE = 10_000  # events; GetLogEvents returns at most 10,000 or 1 MB


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
        return tuple(str(event.get("message", "")) for event in answer.get("events") or ())

    def lines(self, arn: str) -> list[str]:
        """Return the whole stream so far, each line with its time in UTC.

        Raises:
            Exception: what boto3 raises.
        """
        client, token, found = self.clients("logs"), None, []
        while True:
            page: dict[str, str] = {"nextToken": token} if token else {}
            answer = client.get_log_events(
                logGroupName=self.group,
                logStreamName=self.stream(arn),
                startFromHead=True,
                limit=_PAGE,
                **page,
            )
            found += [_line(event) for event in answer.get("events") or ()]
            # The end of a stream gives back the token that it was asked with.
            if answer.get("nextForwardToken") in (None, token):
                return found
            token = answer["nextForwardToken"]


def _line(event: dict[str, object]) -> str:
    milliseconds = event.get("timestamp")
    when = (
        datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S ")
        if isinstance(milliseconds, (int, float))
        else ""
    )
    return f"{when}{event.get('message', '')}"
