"""A WSGI application behind ASGI: whole bodies, a pool of threads, the path as it was sent."""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Headers = list[tuple[bytes, bytes]]

THREADS = 16


class WsgiBridge:
    """Calls a WSGI application with requests that have been read whole."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="wsgi")

    async def call(self, scope: dict[str, Any], body: bytes) -> tuple[int, Headers, bytes]:
        """Status, headers and body of the answer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._call, environ(scope, body))

    def close(self) -> None:
        """Start no more threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _call(self, request: dict[str, Any]) -> tuple[int, Headers, bytes]:
        answer: list[Any] = [500, []]
        written: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            answer[:] = [int(status.split(" ", 1)[0]), headers]
            return written.append

        chunks = self._application(request, start_response)
        try:
            written.extend(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer[1]]
        return answer[0], headers, b"".join(written)


def environ(scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    """PEP 3333's environment for an ASGI scope, with what moto wants to know besides."""
    query = scope["query_string"].decode("latin-1")
    raw_path = scope["raw_path"].split(b"?", 1)[0].decode("latin-1")
    host, port = scope.get("server") or ("localhost", 80)
    result: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": f"{raw_path}?{query}" if query else raw_path,
        "REQUEST_URI": f"{raw_path}?{query}" if query else raw_path,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": (scope.get("client") or ("127.0.0.1", 0))[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    preserved: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        # The body has been read to its end, however it was framed.
        if name in ("content-length", "transfer-encoding"):
            continue
        key = environ_key_for_header(name)
        if should_preserve_original_header_name(name):
            preserved[key] = name
        result[key] = f"{result[key]},{value}" if key in result else value
    result[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
    return result
