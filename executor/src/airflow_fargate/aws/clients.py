"""boto3 clients, one per service.

Clients are made by the threads that use them, never on the scheduler's thread, and on no thread before
``start()``: making one reads files and may call a metadata service.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import Any

from airflow_fargate import __version__

RECEIVE_LIMIT = 10  # messages per SQS call
LONG_POLL_SECONDS = 20
_CONNECT_SECONDS = 5
_READ_SECONDS = 15

ClientSource = Callable[[str], Any]
"""Returns the client of a service (ecs, sqs, s3, logs); tests pass fakes."""


class BotoClients:
    """boto3's clients, one per service, made when first asked for.

    Args:
        region: AWS region, or None for boto3's own search.
        threads: connections to keep per client.
    """

    def __init__(self, region: str | None, threads: int) -> None:
        self._region = region
        self._threads = threads
        self._clients: dict[str, Any] = {}
        # Threads may share clients, and not the session that makes them (boto3 guide, "Multithreading").
        self._making = Lock()

    @cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415  half a second that reading the configuration does not need

        return boto3.session.Session(region_name=self._region)

    def __call__(self, service: str) -> Any:
        """Return the client; safe to call from several threads."""
        client = self._clients.get(service)
        if client is None:
            with self._making:
                client = self._clients.get(service) or self._made(service)
                self._clients[service] = client
        return client

    def _made(self, service: str) -> Any:
        import botocore  # noqa: PLC0415  with boto3, above
        from botocore.config import Config  # noqa: PLC0415  the same

        # The launcher decides about retries: it alone knows what a repeated RunTask may do.
        attempts = 1 if service == "ecs" else 4
        reading = _READ_SECONDS + (LONG_POLL_SECONDS if service == "sqs" else 0)
        client = self._session.client(
            service,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=reading,
                max_pool_connections=max(10, self._threads),
                # boto3 puts its own together anew for every call, a tenth of what a call costs.
                user_agent=f"airflow-fargate/{__version__} Botocore/{botocore.__version__}",
                # A request of RunTask has been checked when it was built; the others are ours to the letter.
                parameter_validation=service != "ecs",
                retries={"total_max_attempts": attempts, "mode": "standard"},
            ),
        )
        if service == "s3":
            client.meta.events.register_last("before-call.s3", _at_once)
        return client


def _at_once(params: dict[str, Any], **_: Any) -> None:
    """Send a body with its request: boto3 asks S3 first whether it would take it, a round trip more.

    That spares gigabytes that S3 refuses; a workload is two kilobytes.
    """
    params["headers"].pop("Expect", None)
