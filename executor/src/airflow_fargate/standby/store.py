"""The standby protocol's objects in S3, for schedulers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Delete, Read, WriteOnce

if TYPE_CHECKING:
    from airflow_fargate.aws.clients import ClientSource

_TRIES = 3
_UNMET = {"PreconditionFailed", "412"}
_AGAIN = {"ConditionalRequestConflict", "409"}
_ABSENT = {"NoSuchKey", "404", "AccessDenied", "403"}
"""What S3 says of an object that is not there: without s3:ListBucket that it is forbidden."""


class Objects:
    """Does a protocol's operations.

    Args:
        clients: returns the S3 client.
        bucket: its name.
        root: what all keys begin with.
    """

    def __init__(self, clients: ClientSource, bucket: str, root: str = "") -> None:
        self._clients = clients
        self._bucket = bucket
        self._root = root

    def reference(self, standby: str) -> str:
        """Return the reference by which a container finds its offer."""
        return f"s3://{self._bucket}/{self._root}standby/{standby}"

    def do(self, steps: protocol.Steps[protocol.T]) -> protocol.T:
        """Do one party's steps; return its result.

        Raises:
            Exception: what boto3 raises; the last operation is done or not.
            InconsistentError: an object is there and is not.
        """
        return protocol.run(steps, self._call)

    def open_offer(self, standby: str) -> str:
        """Return the ETag of a standby's open offer; empty if the offer is no longer open."""
        found = self._get(protocol.offer_key(standby))
        return found[1] if found is not None and "open" in found[0] else ""

    def _call(self, operation: protocol.Operation) -> Any:
        if isinstance(operation, Read):
            found = self._get(operation.key)
            return None if found is None else found[0]
        if isinstance(operation, Delete):
            return self._clients("s3").delete_object(Bucket=self._bucket, Key=self._root + operation.key)
        condition: dict[str, Any] = (
            {"IfNoneMatch": "*"} if isinstance(operation, WriteOnce) else {"IfMatch": operation.etag}
        )
        return self._put(operation.key, json.dumps(dict(operation.content)).encode(), condition)

    def _put(self, key: str, body: bytes, condition: dict[str, Any]) -> bool:
        place: dict[str, Any] = {"Bucket": self._bucket, "Key": self._root + key}
        for tried in range(_TRIES):
            try:
                self._clients("s3").put_object(
                    **place, Body=body, ContentType="application/json", **condition
                )
            except Exception as error:
                code = _code(error)
                if code in _UNMET or ("IfMatch" in condition and code in {"NoSuchKey", "404"}):
                    return False
                # Without an answer or after a conflict, write again: it is rejected if it was done.
                if tried == _TRIES - 1 or (code and code not in _AGAIN):
                    raise
            else:
                return True
        raise AssertionError("the last try returns or raises")

    def _get(self, key: str) -> tuple[dict[str, Any], str] | None:
        for tried in range(_TRIES):
            try:
                answer = self._clients("s3").get_object(Bucket=self._bucket, Key=self._root + key)
            except Exception as error:
                if (code := _code(error)) in _ABSENT:
                    return None
                if code or tried == _TRIES - 1:
                    raise
            else:
                content: dict[str, Any] = json.loads(answer["Body"].read())
                return content, answer["ETag"]
        raise AssertionError("the last try returns or raises")


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str((response.get("Error") or {}).get("Code") or "")
