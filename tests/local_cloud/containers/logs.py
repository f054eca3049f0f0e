"""A container's output, as the awslogs driver writes it: whole lines, in order, nothing lost at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local_cloud.ecs.definitions import ContainerDefinition

MAX_EVENT_BYTES = 262_118  # CloudWatch's 256 KiB less its 26 bytes of overhead


class LogStream(Protocol):
    """A CloudWatch Logs stream to write to."""

    def put(self, events: list[tuple[int, str]]) -> None:
        """Append events: milliseconds since the epoch, and the line without its end."""


class LineSplitter:
    """Turns chunks of bytes into whole lines; what has no newline yet waits for it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines this chunk completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        complete = [piece for line in lines for piece in _pieces(line)]
        if len(self._rest) > MAX_EVENT_BYTES:
            pieces = _pieces(self._rest)
            complete += pieces[:-1]
            self._rest = self._rest[len(pieces[:-1]) * MAX_EVENT_BYTES :]
        return complete

    def end(self) -> list[str]:
        """What is left when the output ends without a newline."""
        rest, self._rest = self._rest, b""
        return _pieces(rest) if rest else []


def _pieces(line: bytes) -> list[str]:
    line = line.removesuffix(b"\r")
    cuts = range(0, max(len(line), 1), MAX_EVENT_BYTES)
    return [line[cut : cut + MAX_EVENT_BYTES].decode("utf-8", "replace") for cut in cuts]


def ship(
    chunks: Iterable[tuple[bytes | None, bytes | None]],
    stream: LogStream | None,
    now: Callable[[], float] = time.time,
) -> None:
    """Read pairs of standard output and error to their end, and write each line as soon as it is whole.

    Without a stream the output is read and dropped, so that the container never blocks on it.
    """
    splitters = (LineSplitter(), LineSplitter())
    for pair in chunks:
        if stream is not None:
            lines = [
                line
                for splitter, chunk in zip(splitters, pair, strict=True)
                if chunk
                for line in splitter.feed(chunk)
            ]
            _put(stream, lines, now)
    if stream is not None:
        _put(stream, [line for splitter in splitters for line in splitter.end()], now)


def stream_name(container: ContainerDefinition, task_id: str, runtime_id: str) -> str:
    """`prefix/container/task id`, and the runtime id alone when there is no prefix."""
    prefix = container.log_options.get("awslogs-stream-prefix")
    return f"{prefix}/{container.name}/{task_id}" if prefix else runtime_id


def _put(stream: LogStream, lines: list[str], now: Callable[[], float]) -> None:
    # CloudWatch takes no empty message; the driver leaves such lines out.
    kept = [line for line in lines if line]
    if kept:
        milliseconds = int(now() * 1000)
        stream.put([(milliseconds, line) for line in kept])
