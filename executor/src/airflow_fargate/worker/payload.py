"""From a reference to the payload it points to.

The payload holds the task's token. Nothing here puts any part of a payload's content, nor of an inline
reference, into a message: errors name the place and the shape of the fault.
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
"""Far above any workload; it bounds what a hostile or damaged reference can unpack to."""


class ObjectStore(Protocol):
    """Where payloads lie; `fetch` and `delete` take a bucket and a key."""

    def fetch(self, bucket: str, key: str) -> bytes:
        """Return the object's content; raises WorkerError."""

    def delete(self, bucket: str, key: str) -> None:
        """Delete the object; raises WorkerError."""


@dataclass(frozen=True)
class Payload:
    """What the executor sent: the workload and enough to check that it is meant for this container."""

    airflow_version: str
    launch_id: str
    key: str
    workload: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Payload(key={self.key!r}, launch_id={self.launch_id!r})"


def load_payload(reference: str, store: Callable[[], ObjectStore], warn: Callable[[str], None]) -> Payload:
    """Return the payload that a reference points to; one in S3 is deleted once it has been understood.

    Args:
        reference: `s3://bucket/key`, `json:{...}` or `zlib:<urlsafe base64 of zlib of the JSON>`.
        store: Makes the object store, only called for a reference to S3.
        warn: Is told, in one line, what went wrong without keeping the task from running.

    Raises:
        WorkerError: PAYLOAD_INVALID, PAYLOAD_MISSING, TOKEN_REFUSED or CONFIG_MISSING.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "json":
        # What of a command is no UTF-8 stands in it as surrogates.
        return parse_document(rest.encode(errors="surrogatepass"), "the inline payload")
    if scheme == "zlib":
        return parse_document(_inflate(rest), "the inline payload")
    if scheme == "s3":
        bucket, _, key = rest.removeprefix("//").partition("/")
        if rest.startswith("//") and bucket and key:
            return _from_store(bucket, key, store(), warn)
    raise WorkerError(
        ExitCode.BAD_COMMAND,
        "The reference to the payload is none of s3://BUCKET/KEY, json:DOCUMENT and zlib:BASE64.",
    )


def _from_store(bucket: str, key: str, store: ObjectStore, warn: Callable[[str], None]) -> Payload:
    payload = parse_document(store.fetch(bucket, key), f"s3://{bucket}/{key}")
    try:
        store.delete(bucket, key)
    except WorkerError as error:
        # The bucket's lifecycle rule deletes it too; the task need not suffer.
        warn(f"{error} The payload stays until the bucket's lifecycle rule deletes it.")
    return payload


def _inflate(text: str) -> bytes:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, MAX_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            "The inline payload is not base64 of zlib data: the command was cut short or altered.",
        ) from error
    if not unpacking.eof:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID, "The inline payload ends early or unpacks to more than 32 MiB."
        )
    return data


def parse_document(data: bytes, place: str) -> Payload:
    """Return the payload in a document; raises WorkerError, which names the place."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        # Without `from`: the decoder's error quotes the document.
        raise WorkerError(ExitCode.PAYLOAD_INVALID, f"What {place} holds is not JSON.") from None
    if not isinstance(document, dict):
        raise WorkerError(ExitCode.PAYLOAD_INVALID, f"What {place} holds is not a payload document.")
    if document.get("format") != FORMAT:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"The document from {place} has another payload format than {FORMAT}, the one this image reads: "
            "use the image and the executor of one airflow-fargate release.",
        )
    for name, kind in FIELDS.items():
        if not isinstance(document.get(name), kind) or not document[name]:
            raise WorkerError(ExitCode.PAYLOAD_INVALID, f"The payload from {place} lacks {name!r}.")
    return Payload(**{name: document[name] for name in FIELDS})


def check_release(payload: Payload, installed: str) -> None:
    """Refuse a payload of another Airflow release line: the workload's shape changes between 3.x and 3.y.

    Args:
        payload: What the executor sent.
        installed: The image's Airflow version, for example "3.3.2".

    Raises:
        WorkerError: PAYLOAD_INVALID.
    """
    if payload.airflow_version.split(".")[:2] != installed.split(".")[:2]:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"The scheduler runs Airflow {payload.airflow_version} and this image holds {installed}: "
            f"build the image for Airflow {payload.airflow_version}.",
        )
