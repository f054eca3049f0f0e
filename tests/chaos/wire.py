"""A TCP proxy between the executor and the cloud that hangs, delays, resets, cuts, falsifies and refuses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

PORTAL = b"<html><body>Please log in to the network</body></html>"
LIE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
KINDS = (
    "hang",  # the request arrives nowhere, no answer comes, the connection stays open
    "hang after",  # the work is done, the answer never comes, the connection stays open
    "slow",  # the answer comes a few bytes at a time
    "reset",  # reset before the work is done
    "reset after",  # the work is done, then reset
    "cut",  # the work is done, the answer ends in the middle
    "lie",  # a captive portal answers 200 with HTML
    "refuse",  # nobody listens
)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the wire.

    kind: one of KINDS. words: only requests that hold one of these, all when empty. probability: of each.
    after, until: seconds since the wire was opened.
    """

    kind: str
    words: tuple[bytes, ...] = ()
    probability: float = 1.0
    after: float = 0.0
    until: float = float("inf")

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of trouble {self.kind!r}; there are {', '.join(KINDS)}")


class Wire:
    """A proxy to one endpoint, in a thread of its own; a context manager. Straight until ``open()``."""

    def __init__(self, target: str, troubles: tuple[Trouble, ...], seed: int = 0) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._troubles = troubles
        self._random = random.Random(seed)  # noqa: S311  repeatable on purpose
        self._opened = float("inf")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.endpoint = ""
        self.struck = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen(0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def open(self) -> None:
        """Start the faults."""
        self._opened = time.monotonic()
        for trouble in self._troubles:
            if trouble.kind == "refuse":
                asyncio.run_coroutine_threadsafe(self._refuse(trouble), self._loop)

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self._port}"

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for each in tuple(self._connections):
            each.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _refuse(self, trouble: Trouble) -> None:
        """Stop listening for a while, as a service that is being replaced; what is connected is cut."""
        await asyncio.sleep(trouble.after)
        await self._close()
        self.struck += 1
        await asyncio.sleep(trouble.until - trouble.after)
        await self._listen(self._port)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(*self._target)
        now: list[str] = [""]
        answering = asyncio.ensure_future(self._answers(back, writer, now))
        try:
            while data := await reader.read(1 << 18):
                if now[0] in ("hang", "lie"):
                    continue  # The rest of a request of which nothing arrived.
                now[0] = self._trouble(data)
                if now[0] == "hang":
                    continue
                if now[0] == "reset":
                    break
                if now[0] == "lie":
                    writer.write(LIE % (len(PORTAL), PORTAL))
                    continue
                forth.write(data)
                await forth.drain()
        except OSError:
            pass
        finally:
            answering.cancel()
            forth.close()
            _reset(writer)

    async def _answers(
        self, back: asyncio.StreamReader, writer: asyncio.StreamWriter, now: list[str]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await back.read(1 << 18):
                if now[0] == "hang after":
                    continue
                if now[0] == "reset after":
                    break
                if now[0] == "cut":
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    break
                if now[0] == "slow":
                    await _trickle(writer, data)
                    continue
                writer.write(data)
                await writer.drain()
        _reset(writer)

    def _trouble(self, data: bytes) -> str:
        age = time.monotonic() - self._opened
        for trouble in self._troubles:
            if (
                trouble.kind != "refuse"
                and trouble.after <= age < trouble.until
                and (not trouble.words or any(word in data for word in trouble.words))
                and self._random.random() < trouble.probability
            ):
                self.struck += 1
                return trouble.kind
        return ""


async def _trickle(writer: asyncio.StreamWriter, data: bytes) -> None:
    step = max(1, len(data) // 40)
    for begin in range(0, len(data), step):
        writer.write(data[begin : begin + step])
        await writer.drain()
        await asyncio.sleep(0.05)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, which drops unread data."""
    opened = writer.get_extra_info("socket")
    if opened is not None and opened.fileno() >= 0:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
