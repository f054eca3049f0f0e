"""Load the payload of a reference.

The payload contains the task's token. No message here quotes a payload or an inline reference: errors name
the place and the kind of fault.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORMAT = 1
FIELDS = {"airflow_version": str, "launch_id": str, "key": str, "workload": dict}
MAX_BYTES = 32 * 1024 * 1024
"""Far above any workload. It limits the size to which a hostile or damaged reference can unpack."""


class ObjectStore(Protocol):
    """Where payloads are stored."""

    def fetch(self, bucket: str, key: str) -> bytes:
        """Return the object's content; raise WorkerError."""

    def delete(self, bucket: str, key: str) -> None:
        """Delete the object; raise WorkerError."""


@dataclass(frozen=True)
class Payload:
    """The workload, with the data to check that it is for this container."""

    airflow_version: str
    launch_id: str
    key: str
    workload: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Payload(key={self.key!r}, launch_id={self.launch_id!r})"


def load_payload(reference: str, store: Callable[[], ObjectStore], warn: Callable[[str], None]) -> Payload:
    """Return the payload of a reference. A payload in S3 is deleted after it was parsed.

    Args:
        reference: `s3://bucket/key`, `json:{...}` or `zlib:<urlsafe base64 of zlib of the JSON>`.
        store: Makes the object store; called only for a reference to S3.
        warn: Takes one line about a problem that does not stop the task.

    Raises:
        WorkerError: PAYLOAD_INVALID, PAYLOAD_MISSING, TOKEN_REJECTED or CONFIG_MISSING.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "json":
        # Bytes of a command that are not UTF-8 are surrogates in the string.
        return parse_document(rest.encode(errors="surrogatepass"), "the inline payload")
    if scheme == "zlib":
        return parse_document(_inflate(rest), "the inline payload")
    if scheme == "s3":
        bucket, _, key = rest.removeprefix("//").partition("/")
        if rest.startswith("//") and bucket and key:
            return _from_store(bucket, key, store(), warn)
    raise WorkerError(
        ExitCode.BAD_COMMAND,
        "The reference must be s3://BUCKET/KEY, json:DOCUMENT or zlib:BASE64. Keep the executor's command.",
    )


def _from_store(bucket: str, key: str, store: ObjectStore, warn: Callable[[str], None]) -> Payload:
    payload = parse_document(store.fetch(bucket, key), f"s3://{bucket}/{key}")
    try:
        store.delete(bucket, key)
    except WorkerError as error:
        # The bucket's lifecycle rule deletes it as well, so the task continues.
        warn(f"{error} The bucket's lifecycle rule will delete the payload.")
    return payload


def _inflate(text: str) -> bytes:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, MAX_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            "The inline payload must be base64 of zlib data: the command was cut off or changed.",
        ) from error
    if not unpacking.eof:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID, "The inline payload is cut off, or unpacks to more than 32 MiB."
        )
    return data


def parse_document(data: bytes, place: str) -> Payload:
    """Return the payload in a document; raises WorkerError, which names the place."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        # Without `from`, because the decoder's error quotes the document.
        raise WorkerError(ExitCode.PAYLOAD_INVALID, f"The content of {place} is not JSON.") from None
    if not isinstance(document, dict):
        raise WorkerError(ExitCode.PAYLOAD_INVALID, f"The content of {place} is not a payload.")
    if document.get("format") != FORMAT:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"The payload from {place} must have format {FORMAT}, got another one: use the same release of "
            "airflow-fargate in the image and the scheduler.",
        )
    for name, kind in FIELDS.items():
        if not isinstance(document.get(name), kind) or not document[name]:
            raise WorkerError(ExitCode.PAYLOAD_INVALID, f"The payload from {place} has no valid {name!r}.")
    return Payload(**{name: document[name] for name in FIELDS})


def check_release(payload: Payload, installed: str) -> None:
    """Reject a payload from another minor release of Airflow, because the workload's schema changes.

    Args:
        payload: The payload.
        installed: The image's Airflow version, for example "3.3.2".

    Raises:
        WorkerError: PAYLOAD_INVALID.
    """
    if payload.airflow_version.split(".")[:2] != installed.split(".")[:2]:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"The scheduler runs Airflow {payload.airflow_version}, and this image has {installed}. Build "
            f"the image for Airflow {payload.airflow_version}.",
        )
