"""How a workload, with its token, reaches the container: through S3, or in the command itself."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_fargate.errors import FargateError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.launching.request import RunRequestBuilder
    from airflow_fargate.tasks.launch import Attempt


class PayloadStore(Protocol):
    """Stores a workload where its container reads it."""

    def references(self, attempt: Attempt, document: str) -> Iterable[str]:
        """Return the references that the command can carry, in order of preference.

        Raises:
            Exception: the document could not be stored. Raised by this call, not while iterating.
        """
        ...

    def discard(self, attempt: Attempt) -> None:
        """Delete the payload of a launch that will not happen, if one was stored."""
        ...


@dataclass(frozen=True)
class S3Payloads:
    """One object per launch. The worker deletes it after reading; a lifecycle rule deletes the rest.

    Args:
        clients: returns the S3 client.
        bucket: the bucket's name. Its default encryption applies.
        prefix: the prefix of the keys, without leading or trailing slashes.
    """

    clients: ClientSource
    bucket: str
    prefix: str

    def _key(self, attempt: Attempt) -> str:
        return "/".join(filter(None, (self.prefix.strip("/"), f"{attempt.launch.launch_id}.json")))

    def references(self, attempt: Attempt, document: str) -> list[str]:
        """Write the object. A repeated attempt overwrites it with a fresh token under the same reference."""
        key = self._key(attempt)
        self.clients("s3").put_object(
            Bucket=self.bucket, Key=key, Body=document.encode(), ContentType="application/json"
        )
        return [f"s3://{self.bucket}/{key}"]

    def discard(self, attempt: Attempt) -> None:
        """Delete the object."""
        self.clients("s3").delete_object(Bucket=self.bucket, Key=self._key(attempt))


class InlinePayloads:
    """Without a bucket, the container override carries the workload, including its token.

    Anyone who may call DescribeTasks can read it until ECS drops the task's record. The token expires with
    the task's try. The storage module avoids this.
    """

    def references(self, attempt: Attempt, document: str) -> Iterator[str]:  # noqa: ARG002  other stores use it
        """Yield the document, then a compressed one in case the first exceeds 8,192 characters."""
        yield f"json:{document}"
        yield f"zlib:{base64.urlsafe_b64encode(zlib.compress(document.encode(), 9)).decode()}"

    def discard(self, attempt: Attempt) -> None:
        """Do nothing."""


def command_for(reference: str) -> list[str]:
    """Return the Airflow CLI command that runs the workload behind a reference."""
    return ["airflow", "fargate", "run-workload", reference]


def too_large(size: int, *, inline: bool) -> RequestError:
    """Return the error for overrides that are too large; ``inline`` if they carry the workload."""
    hint = (
        "Set [fargate] payload_bucket, so that the workload goes through S3."
        if inline
        else "Shorten the task's command or executor_config['env']."
    )
    return RequestError(f"The container overrides must be at most 8192 characters, got {size}. {hint}")


def store_for(clients: ClientSource, bucket: str, prefix: str) -> PayloadStore:
    """Return the store for this configuration."""
    return S3Payloads(clients, bucket, prefix) if bucket else InlinePayloads()


class NotStoredError(FargateError):
    """The workload could not be written to the bucket; ``cause`` is what boto3 raised."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def prepare(attempt: Attempt, builder: RunRequestBuilder, payloads: PayloadStore) -> dict[str, Any]:
    """Return the keyword arguments of RunTask, with the workload stored and its token made now.

    Raises:
        RequestError: the request cannot be launched as it is; the message says why.
        NotStoredError: the bucket rejected the workload.
    """
    request: dict[str, Any] = {}
    tried = 0
    for command in _commands(attempt, payloads):
        tried += 1
        request = builder.build(attempt, command)
        if builder.overrides_fit(request):
            return request
    raise too_large(builder.overrides_size(request), inline=tried > 1)


def _commands(attempt: Attempt, payloads: PayloadStore) -> Iterable[list[str]]:
    """Return the commands to try, in order of preference."""
    launch = attempt.launch
    if launch.command is not None:
        return [list(launch.command)]
    if launch.document is None:
        raise RequestError(
            "The workload has neither a command nor a document: this Airflow release is not supported."
        )
    document = launch.document()
    try:
        references = payloads.references(attempt, document)
    except Exception as error:
        raise NotStoredError(error) from error
    return map(command_for, references)
