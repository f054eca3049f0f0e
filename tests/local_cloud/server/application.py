"""The HTTP front: ECS's calls about tasks and services, SQS's busy calls, all else handed to moto."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from local_cloud.ecs import tagging
from local_cloud.ecs.plane import OPERATIONS
from local_cloud.ecs.rendering import as_epoch
from local_cloud.ecs.task_bytes import TaskBytes
from local_cloud.errors import AwsError
from local_cloud.fast_json import decode, encode
from local_cloud.queues.sqs_front import TARGET as SQS_TARGET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_cloud.containers.agent import TaskAgent
    from local_cloud.ecs.plane import TaskPlane
    from local_cloud.queues.sqs_front import SqsFront
    from local_cloud.server.ecr_front import EcrFront
    from local_cloud.server.local_pages import LocalPages
    from local_cloud.server.wsgi_bridge import WsgiBridge

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    Headers = list[tuple[bytes, bytes]]
    Http = tuple[int, Headers, bytes]

ECS_TARGET = b"AmazonEC2ContainerServiceV20141113."
JSON = (b"content-type", b"application/json")
JSON_1_1 = (b"content-type", b"application/x-amz-json-1.1")
DELETE_CLUSTER = ECS_TARGET + b"DeleteCluster"
CLUSTER_IN_USE = AwsError(
    "ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."
)
REGION = re.compile(rb"Credential=[^/]+/[^/]+/([^/]+)/")
SERVICE = re.compile(rb"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
DEFAULT_REGION = "us-east-1"
CLUSTER_HAS_SERVICES = AwsError(
    "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
)
LAYERS = "/_local/layers/"
"""Layers are at LAYERS + REPOSITORY/DIGEST: a container reaches the cloud, but not the registry."""
TARGETS = {ECS_TARGET + name.encode(): name for name in OPERATIONS}


GO, GO_SECONDS = b"aws-sdk-go", 0.005
"""Terraform's provider (Go's net/http) sometimes resets a connection if the answer arrives within 0.1 ms, and
repeats the call. The second DeleteService then finds no service. AWS never answers that fast."""


class CloudServer:
    """An ASGI application.

    agent: answers what containers ask at 169.254.170.2, or None where there are no containers.
    ecr: answers what is asked about images, or None where there is no registry.
    """

    def __init__(  # noqa: PLR0913, PLR0917  one argument for each that answers
        self,
        plane: TaskPlane,
        moto: WsgiBridge,
        sqs: SqsFront,
        pages: LocalPages,
        agent: TaskAgent | None,
        ecr: EcrFront | None = None,
    ) -> None:
        self._plane = plane
        self._moto = moto
        self._sqs = sqs
        self._pages = pages
        self._agent = agent
        self._ecr_front = ecr
        self._book = pages.book
        self._write_task = TaskBytes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        body = await read_body(receive)
        operation = operation_of(headers, body)
        if self._book is not None:
            self._book.note(scope, headers, body)
        if GO in headers.get(b"user-agent", b""):
            await asyncio.sleep(GO_SECONDS)
        if operation is not None:
            reply = await self._ecs(operation, body, self._region(headers), receive)
        elif (page := await self._page(scope["method"], scope["path"], body)) is not None:
            reply = page
        else:
            reply = await self._other(scope, headers, body, receive)
        if reply is not None:
            await answer(send, *reply)

    def _region(self, headers: dict[bytes, bytes]) -> str:
        match = REGION.search(headers.get(b"authorization", b""))
        region = match[1].decode() if match else DEFAULT_REGION
        self._pages.regions.add(region)
        return region

    async def _page(self, method: str, path: str, body: bytes) -> Http | None:
        """One of our own pages or of the agent's; None for any other path."""
        if path.startswith(LAYERS) and self._ecr_front is not None:
            return await self._ecr_front.layer(path)
        if path.startswith("/_local/"):
            status, document = await self._pages.answer(method, path, body)
            if isinstance(document, str):
                return status, [(b"content-type", b"text/plain")], document.encode()
            return status, [JSON], encode(document)
        if self._agent is not None and path.startswith(("/v2/credentials/", "/v4/")):
            found = self._agent.answer(path)
            return None if found is None else (200, [JSON], encode(found))
        return None

    async def _ecs(self, operation: str, body: bytes, region: str, receive: Receive) -> Http | None:
        """One of the plane's operations; None when its answer is lost."""
        try:
            parameters = decode(body) if body else {}
        except ValueError:
            return aws_error(AwsError("SerializationException", "the body is not JSON"))
        reply = self._plane.call(operation, parameters, region, as_epoch, self._write_task)
        if reply.delay > 0:
            await asyncio.sleep(reply.delay)
        if reply.lost:
            await drop(receive)
            return None
        return (200, [JSON_1_1], encode(reply.document)) if reply.error is None else aws_error(reply.error)

    async def _other(
        self, scope: Scope, headers: dict[bytes, bytes], body: bytes, receive: Receive
    ) -> Http | None:
        """A call of another service, with the faults that name it; None when nobody is to be answered."""
        region, target = self._region(headers), headers.get(b"x-amz-target", b"")
        if target == DELETE_CLUSTER:
            name = str(decode(body).get("cluster", "default")).rsplit("/", 1)[-1]
            if self._plane.services.active_in(region, name):
                return aws_error(CLUSTER_HAS_SERVICES)
            if self._has_tasks(name, region):
                return aws_error(CLUSTER_IN_USE)
        service, operation = called(scope, headers)
        verdict = self._plane.faults.judge_other(f"{service}:{operation}")
        if verdict.delay > 0:
            await asyncio.sleep(verdict.delay)
        if not verdict.done and verdict.error is not None:
            return aws_error(verdict.error, xml=service == "s3")
        if target.startswith(SQS_TARGET):
            reply = await self._sqs.call(target, scope, body, region, receive)
        else:
            reply = await self._image(headers, body, region) or await self._moto.call(scope, body)
        if verdict.lost:
            await drop(receive)
            return None
        return reply if verdict.error is None else aws_error(verdict.error, xml=service == "s3")

    async def _image(self, headers: dict[bytes, bytes], body: bytes, region: str) -> Http | None:
        """A question about an image, answered from the registry; None for any other call."""
        if self._ecr_front is None:
            return None
        try:
            target, host = headers.get(b"x-amz-target", b""), headers.get(b"host", b"").decode("latin-1")
            return await self._ecr_front.call(target, body, region, host)
        except AwsError as error:
            return aws_error(error)

    def _has_tasks(self, name: str, region: str) -> bool:
        return any(task.cluster_name == name and task.region == region for task in self._plane.living())


def operation_of(headers: dict[bytes, bytes], body: bytes) -> str | None:
    """The operation of the task plane's that a request asks for, or None.

    Tags are the plane's if they are a task's or a service's; those of a cluster, for instance, are moto's.
    """
    operation = TARGETS.get(headers.get(b"x-amz-target", b""))
    if operation in tagging.OPERATIONS and b":service/" not in body and b":task/" not in body:
        return None
    return operation


def aws_error(error: AwsError, *, xml: bool = False) -> Http:
    """An error as AWS JSON 1.1, or as S3 writes it."""
    if xml:
        text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        return error.status, [(b"content-type", b"application/xml")], text.encode()
    document = {"__type": error.code, "message": error.message, **error.members}
    return error.status, [JSON_1_1], encode(document)


def called(scope: Scope, headers: dict[bytes, bytes]) -> tuple[str, str]:
    """Service and operation of a request, as sqs and ReceiveMessage; its method where there is no name."""
    match = SERVICE.search(headers.get(b"authorization", b""))
    target = headers.get(b"x-amz-target", b"").rpartition(b".")[2].decode()
    return (match[1].decode() if match else ""), target or scope["method"]


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks = [body]
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer; a length the application gave (HEAD of an object) is kept."""
    if not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def drop(receive: Receive) -> None:
    """Close the connection without an answer."""
    # ASGI has no word for this; uvicorn's receive belongs to the object that holds the transport.
    cycle: Any = getattr(receive, "__self__", None)
    cycle.transport.abort()
    await receive()
