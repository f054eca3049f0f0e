"""Requests for an object in S3 with only the parts of botocore that they need.

Making boto3's client takes a third of a second of CPU, a fifth of a task's start: service models, endpoint
rules for all partitions, sessions, configuration files. A container with its role's credentials and a bucket
in its own region needs only credentials, signature and connection (ADR 0007). In any other case, and for any
unexpected answer, :func:`plainly` or the request returns None, and the caller uses boto3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.httpsession import URLLib3Session

_CONNECT_SECONDS, _READ_SECONDS = 5, 20

_HANDLED = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        # Without effect here.
        "AWS_EXECUTION_ENV",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_STS_REGIONAL_ENDPOINTS",
    }
)
"""Variables that are handled here. Any other AWS variable may change boto3's request."""
_ROUTES = frozenset({"http_proxy", "https_proxy", "all_proxy", "requests_ca_bundle", "boto_config"})
"""Other variables, in upper or lower case, that change boto3's route or certificates."""
_REGION = re.compile(r"(?:af|ap|ca|eu|il|me|mx|sa|us)-(?!gov|iso)[a-z]+-\d")
"""The regions of the partition aws; other partitions have other addresses."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Bucket names that can be part of a host name: without dots, which the certificate does not cover."""


_EXPECTED_STATUSES = frozenset({200, 204, 304, 412})
"""Done, deleted, not modified, precondition failed."""


@dataclass(frozen=True)
class Answer:
    """S3's answer: 200, 204, 304 or 412, with the object's content and ETag, if any."""

    status: int
    content: bytes
    etag: str


class Request(Protocol):
    """Sends one request about an object."""

    def __call__(
        self, method: str, bucket: str, key: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer | None:
        """Return S3's answer; None if boto3 must make the request."""


def plainly(environ: Mapping[str, str], http: URLLib3Session | None = None) -> Request | None:
    """Return a function that makes requests to S3, or None if boto3 is needed.

    Args:
        environ: The process's environment.
        http: botocore's connections; by default new ones.
    """
    names = {name for name, value in environ.items() if value}
    region = environ.get("AWS_DEFAULT_REGION", "")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    if (
        {name for name in names if name.startswith("AWS_")} - _HANDLED
        or {name.lower() for name in names} & _ROUTES
        or not _REGION.fullmatch(region)
    ):
        return None
    try:
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415  slow, and not needed for an inline payload
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import ContainerProvider, EnvProvider  # noqa: PLC0415
        from botocore.httpsession import URLLib3Session as Session  # noqa: PLC0415

        credentials = EnvProvider(environ).load() or ContainerProvider(environ).load()
    except Exception:  # noqa: BLE001  boto3 tries again and reports the error
        return None
    if credentials is None:
        return None
    connections = http or Session(timeout=(_CONNECT_SECONDS, _READ_SECONDS))

    def make(
        method: str, bucket: str, key: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer | None:
        if not _BUCKET.fullmatch(bucket):
            return None
        host = (
            f"{endpoint.rstrip('/')}/{bucket}" if endpoint else f"https://{bucket}.s3.{region}.amazonaws.com"
        )
        url = f"{host}/{quote(key, safe='/-_.~')}"
        request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body)
        try:
            S3SigV4Auth(credentials.get_frozen_credentials(), "s3", region).add_auth(request)
            answer = connections.send(request.prepare())
        except Exception:  # noqa: BLE001  the same
            return None
        if answer.status_code not in _EXPECTED_STATUSES:
            return None
        return Answer(answer.status_code, answer.content, answer.headers.get("ETag") or "")

    return make
