"""boto3 clients, one per service.

Threads make the clients that they use, after ``start()``. The scheduler's thread makes none, because making a
client reads files and may call a metadata service.
"""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from airflow_fargate import __version__

if TYPE_CHECKING:
    from types_boto3_ce import CostExplorerClient
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecr import ECRClient
    from types_boto3_ecs import ECSClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_sts import STSClient

RECEIVE_LIMIT = 10  # messages per SQS call
LONG_POLL_SECONDS = 20
_CONNECT_SECONDS = 5
_READ_SECONDS = 15


class ClientSource(Protocol):
    """Returns the boto3 client of a service. Tests pass fakes."""

    @overload
    def __call__(self, service: Literal["ecs"], /) -> ECSClient: ...
    @overload
    def __call__(self, service: Literal["sqs"], /) -> SQSClient: ...
    @overload
    def __call__(self, service: Literal["s3"], /) -> S3Client: ...
    @overload
    def __call__(self, service: Literal["logs"], /) -> CloudWatchLogsClient: ...
    @overload
    def __call__(self, service: Literal["sts"], /) -> STSClient: ...
    @overload
    def __call__(self, service: Literal["ec2"], /) -> EC2Client: ...
    @overload
    def __call__(self, service: Literal["ecr"], /) -> ECRClient: ...
    @overload
    def __call__(self, service: Literal["ce"], /) -> CostExplorerClient: ...
    def __call__(self, service: Any, /) -> Any:
        """Return the client."""


class BotoClients:
    """boto3's clients, one per service, made at their first use.

    Args:
        region: AWS region; None to let boto3 find it.
        threads: connections to keep per client.
    """

    def __init__(self, region: str | None, threads: int) -> None:
        self._region = region
        self._threads = threads
        self._clients: dict[str, Any] = {}
        # Threads may share clients, but not the session that makes them (boto3 guide, "Multithreading").
        self._making = Lock()

    @cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415  takes half a second, and reading the configuration does not need it

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

        # The launcher decides about retries, because it knows when RunTask may be repeated.
        attempts = 1 if service == "ecs" else 4
        reading = _READ_SECONDS + (LONG_POLL_SECONDS if service == "sqs" else 0)
        client = self._session.client(
            service,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=reading,
                max_pool_connections=max(10, self._threads),
                # boto3 builds its own for every call, which takes a tenth of the call's CPU time.
                user_agent=f"airflow-fargate/{__version__} Botocore/{botocore.__version__}",
                # RunTask's arguments are validated when they are built; the other calls have fixed arguments.
                parameter_validation=service != "ecs",
                retries={"total_max_attempts": attempts, "mode": "standard"},
            ),
        )
        if service == "s3":
            client.meta.events.register_last("before-call.s3", _at_once)
        return client


def _at_once(params: dict[str, Any], **_: Any) -> None:
    """Send the body with the request.

    boto3 first asks S3 whether it would accept the body ("Expect: 100-continue"). That saves time if S3
    rejects gigabytes, and costs a round trip for a workload of two kilobytes.
    """
    params["headers"].pop("Expect", None)
