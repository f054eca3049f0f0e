"""Payloads in S3: by plain requests if possible, else by boto3, which is imported only then."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3_parts import plainly

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_MODIFIED, PRECONDITION_FAILED = 304, 412
CONDITIONS = frozenset({"304", "NotModified", "412", "PreconditionFailed"})
"""Codes by which S3 says that a condition is not met."""
MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


class S3Store:
    """Fetches, writes and deletes objects with the container's own credentials (the task role).

    Args:
        client: boto3's client, the only one that is used if it is given; by default made when needed.
        environ: The process's environment.
    """

    def __init__(self, client: Any = None, environ: Mapping[str, str] = os.environ) -> None:
        self._plainly = plainly(environ) if client is None else None
        if client is not None:
            self._client = client

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  takes a fifth of the start's CPU time
        from botocore.config import Config  # noqa: PLC0415

        # Right after the start, the task role's credentials may not be available yet.
        retries = {"mode": "standard", "total_max_attempts": 6}
        return boto3.client("s3", config=Config(retries=retries, connect_timeout=5, read_timeout=20))

    def fetch(self, bucket: str, key: str) -> bytes:
        """Return the object's content; raises WorkerError."""
        found = self._plainly("GET", bucket, key) if self._plainly else None
        if found is not None:
            return found.content
        data: bytes = self._call(bucket, key, "get_object")["Body"].read()
        return data

    def delete(self, bucket: str, key: str) -> None:
        """Delete the object; raises WorkerError."""
        if self._plainly is None or self._plainly("DELETE", bucket, key) is None:
            self._call(bucket, key, "delete_object")

    def fetch_unless(self, bucket: str, key: str, etag: str) -> tuple[bytes, str] | None:
        """Return the object's content and ETag; None if it still has this ETag. Raises WorkerError."""
        known = {"If-None-Match": etag} if etag else {}
        found = self._plainly("GET", bucket, key, known) if self._plainly else None
        if found is not None:
            return None if found.status == NOT_MODIFIED else (found.content, found.etag)
        answer = self._call(bucket, key, "get_object", **({"IfNoneMatch": etag} if etag else {}))
        return None if answer is None else (answer["Body"].read(), answer["ETag"])

    def write_once(self, bucket: str, key: str, body: bytes) -> bool:
        """Write the object if there is none; return whether S3 accepted it. Raises WorkerError."""
        found = self._plainly("PUT", bucket, key, {"If-None-Match": "*"}, body) if self._plainly else None
        if found is not None:
            return found.status != PRECONDITION_FAILED
        return self._call(bucket, key, "put_object", IfNoneMatch="*", Body=body) is not None

    def _call(self, bucket: str, key: str, operation: str, **more: Any) -> Any:
        """Call boto3; return its answer, or None if a condition is not met."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        place = f"s3://{bucket}/{key}"
        try:
            return getattr(self._client, operation)(Bucket=bucket, Key=key, **more)
        except ClientError as error:
            reason = error.response.get("Error", {}).get("Code", "unknown error")
            if reason in CONDITIONS:
                return None
            if reason in MISSING:
                raise WorkerError(
                    ExitCode.PAYLOAD_MISSING,
                    f"The payload {place} does not exist ({reason}): another container fetched it, or it "
                    "expired before this one started.",
                ) from error
            raise WorkerError(
                ExitCode.TOKEN_REJECTED,
                f"S3 rejected {operation} of {place} ({reason}): allow the task role s3:GetObject and "
                "s3:DeleteObject there (s3:PutObject for a standby's answer), and kms:Decrypt "
                "(kms:GenerateDataKey) for the bucket's key.",
            ) from error
        except BotoCoreError as error:
            raise WorkerError(
                ExitCode.CONFIG_MISSING,
                f"The payload {place} could not be read ({type(error).__name__}): give the task a role, a "
                "region, and a route to S3.",
            ) from error
