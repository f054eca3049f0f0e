"""One object in S3 by the parts of botocore that this takes: credentials, signature, connection.

Making boto3's client costs a third of a second of CPU, a fifth of a task's start: models of S3, rules for the
endpoints of all partitions, sessions, files of configuration. A container with its role's credentials and
a bucket of its own region needs none of these (ADR 0007). Whatever is not as plain as that, and whatever S3
answers but the object, is boto3's: :func:`plainly` returns None, or a request does.
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

_UNDERSTOOD = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        # Of no consequence here.
        "AWS_EXECUTION_ENV",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_STS_REGIONAL_ENDPOINTS",
    }
)
"""Variables whose meaning is kept. Any other of AWS's may change where or how boto3 would ask."""
_ROUTES = frozenset({"http_proxy", "https_proxy", "all_proxy", "requests_ca_bundle", "boto_config"})
"""Variables of others, in either case, that say by which way and with which certificates boto3 would ask."""
_REGION = re.compile(r"(?:af|ap|ca|eu|il|me|mx|sa|us)-(?!gov|iso)[a-z]+-\d")
"""The regions of the partition aws; the others have addresses of their own."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Names that may stand in a host's name: no dots, which a certificate does not cover."""


_UNDERSTOOD_STATUSES = frozenset({200, 204, 304, 412})
"""Done, deleted, not modified, precondition failed."""


@dataclass(frozen=True)
class Answer:
    """What S3 answered: 200, 204, 304 or 412; the object's content and ETag, if there are any."""

    status: int
    content: bytes
    etag: str


class Request(Protocol):
    """Sends one request about an object."""

    def __call__(
        self, method: str, bucket: str, key: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer | None:
        """Return S3's answer; None if boto3 is to be asked instead."""


def plainly(environ: Mapping[str, str], http: URLLib3Session | None = None) -> Request | None:
    """Return what asks S3, or None where boto3 is needed to know how.

    Args:
        environ: The process's environment.
        http: botocore's connections; made here when left out.
    """
    names = {name for name, value in environ.items() if value}
    region = environ.get("AWS_DEFAULT_REGION", "")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    if (
        {name for name in names if name.startswith("AWS_")} - _UNDERSTOOD
        or {name.lower() for name in names} & _ROUTES
        or not _REGION.fullmatch(region)
    ):
        return None
    try:
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415  these cost, and a payload inline needs none
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import ContainerProvider, EnvProvider  # noqa: PLC0415
        from botocore.httpsession import URLLib3Session as Session  # noqa: PLC0415

        credentials = EnvProvider(environ).load() or ContainerProvider(environ).load()
    except Exception:  # noqa: BLE001  boto3 asks once more, and says what is wrong
        return None
    if credentials is None:
        return None
    connections = http or Session(timeout=(_CONNECT_SECONDS, _READ_SECONDS))

    def request(
        method: str, bucket: str, key: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer | None:
        if not _BUCKET.fullmatch(bucket):
            return None
        host = (
            f"{endpoint.rstrip('/')}/{bucket}" if endpoint else f"https://{bucket}.s3.{region}.amazonaws.com"
        )
        url = f"{host}/{quote(key, safe='/-_.~')}"
        asked = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body)
        try:
            S3SigV4Auth(credentials.get_frozen_credentials(), "s3", region).add_auth(asked)
            answer = connections.send(asked.prepare())
        except Exception:  # noqa: BLE001  the same
            return None
        if answer.status_code not in _UNDERSTOOD_STATUSES:
            return None
        return Answer(answer.status_code, answer.content, answer.headers.get("ETag") or "")

    return request
