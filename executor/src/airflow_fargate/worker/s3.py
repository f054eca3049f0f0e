"""Payloads in S3: the plain way first, and boto3, which is imported only here, for all that is not plain."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3_parts import plainly

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


class S3Store:
    """Fetches and deletes objects with the container's own credentials (the task role).

    Args:
        client: boto3's; made when it is needed first. With one given, nothing is asked but it.
        environ: The process's environment.
    """

    def __init__(self, client: Any = None, environ: Mapping[str, str] = os.environ) -> None:
        self._plainly = plainly(environ) if client is None else None
        if client is not None:
            self._client = client

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  a fifth of the start's CPU time, needed only here
        from botocore.config import Config  # noqa: PLC0415

        # The task role's credentials can be missing for a moment right after a start.
        retries = {"mode": "standard", "total_max_attempts": 6}
        return boto3.client("s3", config=Config(retries=retries, connect_timeout=5, read_timeout=20))

    def fetch(self, bucket: str, key: str) -> bytes:
        """Return the object's content; raises WorkerError."""
        data = self._plainly("GET", bucket, key) if self._plainly else None
        if data is None:
            data = self._call(bucket, key, "get_object")["Body"].read()
        return data

    def delete(self, bucket: str, key: str) -> None:
        """Delete the object; raises WorkerError."""
        if self._plainly is None or self._plainly("DELETE", bucket, key) is None:
            self._call(bucket, key, "delete_object")

    def _call(self, bucket: str, key: str, operation: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        place = f"s3://{bucket}/{key}"
        try:
            return getattr(self._client, operation)(Bucket=bucket, Key=key)
        except ClientError as error:
            reason = error.response.get("Error", {}).get("Code", "unknown error")
            if reason in MISSING:
                raise WorkerError(
                    ExitCode.PAYLOAD_MISSING,
                    f"The payload {place} is not there ({reason}): another container fetched it, "
                    "or it expired before this one started.",
                ) from error
            raise WorkerError(
                ExitCode.TOKEN_REFUSED,
                f"S3 refused {operation} of the payload {place} ({reason}): the task role needs "
                "s3:GetObject and s3:DeleteObject there, and kms:Decrypt for the bucket's key.",
            ) from error
        except BotoCoreError as error:
            raise WorkerError(
                ExitCode.CONFIG_MISSING,
                f"S3 could not be asked for the payload {place} ({type(error).__name__}): "
                "give the task a role and a region, and a route to S3.",
            ) from error
