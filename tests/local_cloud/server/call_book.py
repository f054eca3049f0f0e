"""Who called what: every distinct call of the run, with what tells its resource, and nothing of its contents.

The caller is the access key id the request was signed with: a process that is given a key of its own is known
by it, and a task by the key that the agent made for it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from local_cloud.fast_json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/")

# What names a resource, in the services' own words. Nothing else is kept: bodies hold tokens.
TELLING = (
    "cluster",
    "clusters",
    "task",
    "tasks",
    "taskDefinition",
    "QueueUrl",
    "logGroupName",
    "logStreamName",
    "logGroupNamePrefix",
    "repositoryName",
    "resourceArn",
    "SecretId",
)

# S3 has no name for a call but its method, and what stands behind the question mark.
OBJECT_CALLS = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
BUCKET_CALLS = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
MULTIPART = {"POST": "PutObject", "PUT": "PutObject", "DELETE": "AbortMultipartUpload"}
# Parameters that change nothing about which call it is.
PLAIN = {
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "marker",
    "start-after",
    "continuation-token",
    "encoding-type",
    "fetch-owner",
    "x-id",
}


class CallBook:
    """Every distinct call and how often it came; `note` is called by one thread, `calls` by any."""

    def __init__(self) -> None:
        self._counts: Counter[bytes] = Counter()

    def note(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], body: bytes) -> None:
        """Record a signed request.

        Skip requests without a signature, which are not calls to AWS, and incomplete requests, whose sender
        was killed.
        """
        match = SCOPE.search(headers.get(b"authorization", b"").decode("latin-1"))
        if match is None or len(body) < int(headers.get(b"content-length", b"0")):
            return
        caller, region, service = match.groups()
        operation, parameters = _named(service, scope, headers, body)
        entry = {
            "caller": caller,
            "region": region,
            "service": service,
            "operation": operation,
            "parameters": parameters,
        }
        self._counts[encode(entry)] += 1

    def calls(self) -> list[dict[str, Any]]:
        """Return the distinct calls in the order of their first time, each with its count."""
        return [{**decode(entry), "count": count} for entry, count in list(self._counts.items())]


def _named(
    service: str, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], body: bytes
) -> tuple[str, dict[str, Any]]:
    """Return a request's operation and what tells its resource."""
    target = headers.get(b"x-amz-target", b"").rpartition(b".")[2].decode()
    if target:
        try:
            document = decode(body) if body else {}
        except ValueError:
            document = {}
        return target, _telling(document)
    if service == "s3":
        return _s3(scope)
    fields = parse_qs(body.decode("utf-8", "replace"))
    return fields.get("Action", [f"{scope['method']} {scope['path']}"])[0], {}


def _telling(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        return {}
    found = {name: document[name] for name in TELLING if name in document}
    overrides = document.get("overrides") or {}
    roles = {name: overrides[name] for name in ("taskRoleArn", "executionRoleArn") if name in overrides}
    if roles:
        found["overrides"] = roles
    if document.get("tags"):
        found["tags"] = True
    return found


def _s3(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    # As it was sent: a key may hold what looks like a slash or a question mark once it is decoded.
    path = scope["raw_path"].split(b"?", 1)[0].decode("latin-1")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    method = scope["method"]
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    asked = set(query)
    strange = sorted(asked - PLAIN)
    if not bucket:
        return "ListBuckets", {}
    if key and method in MULTIPART and asked & {"uploads", "uploadId"}:
        return MULTIPART[method], {"Bucket": bucket, "Key": key}
    operation = (OBJECT_CALLS if key else BUCKET_CALLS).get(method, method)
    if strange:
        operation = f"{operation}?{'&'.join(strange)}"
    telling = {"Key": key} if key else {"Prefix": query["prefix"][0]} if "prefix" in query else {}
    return operation, {"Bucket": bucket, **telling}
