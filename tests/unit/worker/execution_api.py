"""A stand-in for the API server's execution API: what one task instance needs, on a loopback port.

It records what the worker says about the task instance and answers like Airflow 3; `refuse` makes it answer a
chosen status instead. For tests only.
"""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAG_RUN: dict[str, Any] = {
    "dag_id": "d",
    "run_id": "r",
    "logical_date": None,
    "data_interval_start": None,
    "data_interval_end": None,
    "run_after": "2026-01-01T00:00:00Z",
    "start_date": "2026-01-01T00:00:00Z",
    "end_date": None,
    "clear_number": 0,
    "run_type": "manual",
    "state": "running",
    "conf": {},
    "consumed_asset_events": [],
}


class ExecutionApi:
    """The server's memory: `calls` as (method, path, body) and the `tokens` that were sent.

    `state` is the task instance's state as the server gives it when it refuses a request.

    Args:
        should_retry: What the server says at /run: whether a failure is up for retry.
        certificate: A file with certificate and key, to speak TLS.
        scheme: How its address begins; by default as it speaks.
    """

    def __init__(
        self, *, should_retry: bool = False, certificate: Path | None = None, scheme: str = ""
    ) -> None:
        self.should_retry = should_retry
        self.certificate = certificate
        self.scheme = scheme or ("https" if certificate else "http")
        self.refusals: dict[str, int] = {}
        self.times: dict[str, int] = {}
        self.state = "restarting"
        self.calls: list[tuple[str, str, Any]] = []
        self.tokens: set[str] = set()
        self._seen: dict[str, threading.Event] = {}
        self.url = ""

    def reject(self, ending: str, status: int, times: int = 1_000_000) -> None:
        """Answer a status to so many requests whose path ends so."""
        self.refusals[ending] = status
        self.times[ending] = times

    def seen(self, ending: str) -> threading.Event:
        """Return an event that is set once a request's path ends so."""
        return self._seen.setdefault(ending, threading.Event())

    def states(self) -> list[str]:
        """Return the states the worker reported, in order."""
        return [
            body["state"]
            for method, path, body in self.calls
            if method == "PATCH" and path.endswith("/state")
        ]

    def answer(self, method: str, path: str, body: Any, api_version: str) -> tuple[int, Any]:
        """Return status and document for a request of a client of this API version, a date."""
        self.calls.append((method, path, body))
        for ending, event in list(self._seen.items()):
            if path.endswith(ending):
                event.set()
        for ending, status in self.refusals.items():
            if path.endswith(ending) and self.times[ending]:
                self.times[ending] -= 1
                return status, {"detail": {"reason": "invalid_state", "previous_state": self.state}}
        if path.endswith("/run"):
            return 200, {
                "dag_run": {**DAG_RUN, "partition_key": None} if api_version >= "2026" else DAG_RUN,
                "task_reschedule_count": 0,
                "max_tries": 1,
                "should_retry": self.should_retry,
                "variables": [],
                "connections": [],
                "upstream_map_indexes": {},
                "xcom_keys_to_clear": [],
            }
        if (
            path.startswith(("/execution/connections", "/execution/variables", "/execution/xcoms"))
            and method == "GET"
        ):
            return 404, {"detail": {"reason": "not_found", "message": "none here"}}
        return (204, None) if method in ("PATCH", "PUT") else (200, {})


class Server(ThreadingHTTPServer):
    """A server that keeps a refused handshake to itself."""

    def handle_error(self, *_: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def serve(api: ExecutionApi, address: str = "127.0.0.1") -> Iterator[ExecutionApi]:
    """Serve it on a free port; `api.url` is then the address for the worker."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            api.tokens.add(self.headers.get("Authorization", "").removeprefix("Bearer "))
            status, document = api.answer(
                self.command, self.path.partition("?")[0], body, self.headers.get("Airflow-API-Version", "")
            )
            data = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_PUT = do_POST = do_DELETE = do_HEAD = _do  # noqa: N815  http.server's names

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    server = Server((address, 0), Handler)
    if api.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(api.certificate)
        # The handshake is made by the thread that answers, for a client may refuse it.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    api.url = f"{api.scheme}://{address}:{server.server_address[1]}/execution/"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
