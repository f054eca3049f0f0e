"""`python -m benchmarks.cloud_process`: the simulated AWS with AWS's latencies, and a record of every call.

It is the local cloud with its simulated engine behind one more layer. That layer waits for half of a call's
latency before the call and half after it, answers S3's two calls from memory, and records every call.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import re
import resource
import signal
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any

from benchmarks.names import name_in
from local_cloud import Behaviour, StaticCatalog
from local_cloud.cloud import ACCOUNT, CloudOptions, LocalCloud
from local_cloud.layers import answer, as_epoch, decode, encode, read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_cloud import Task, TaskEvent

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

BUCKET = "payloads"
CLUSTER = "airflow"
FAMILY = "worker"
LATENCY = {
    "RunTask": 0.120,
    "StopTask": 0.060,
    "DescribeTasks": 0.050,
    "ListTasks": 0.050,
    "ReceiveMessage": 0.020,
    "DeleteMessageBatch": 0.020,
    "ChangeMessageVisibilityBatch": 0.020,
    "PutObject": 0.030,
    "DeleteObject": 0.030,
    "GetObject": 0.030,
    "TagResource": 0.050,
}
"""Seconds from request to answer; the machine's own time is added."""
JITTER = 0.25
"""Each latency is drawn from 1 - JITTER to 1 + JITTER of itself."""
BUS_SECONDS = (0.05, 0.15)
"""Seconds from a change in ECS to the message in SQS, through EventBridge; drawn for each event."""
TARGET = re.compile(rb"\.(\w+)$")
WORKLOAD = re.compile(rb"task-\d{6}")


class Edge:
    """An ASGI application in front of the local cloud's.

    ``calls`` has one ``[seconds since the epoch, operation, throttled]`` per AWS call.
    """

    def __init__(self, cloud: LocalCloud, inner: Any, seed: int) -> None:
        self._cloud = cloud
        self._inner = inner
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.objects: dict[str, bytes] = {}
        self.first_lines: dict[str, float] = {}
        self.calls: list[list[Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/_local/"):
            await self._inner(scope, receive, send)
            return
        if path.startswith("/_bench/"):
            page = self._page(path.removeprefix("/_bench/"), await read_body(receive))
            await answer(send, 200, [(b"content-type", b"application/json")], encode(page))
            return
        operation = _operation(scope)
        call = [time.time(), operation, False]
        self.calls.append(call)
        half = LATENCY.get(operation, 0.0) * self._random.uniform(1 - JITTER, 1 + JITTER) / 2

        async def send_late(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start" and half:
                await asyncio.sleep(half)
            if b"Throttling" in message.get("body", b"")[:400]:
                call[2] = True
            await send(message)

        await asyncio.sleep(half)
        if path.startswith(f"/{BUCKET}/"):
            await self._object(scope["method"], path, dict(scope["headers"]), receive, send_late)
        elif operation == "TagResource":
            await read_body(receive)
            await answer(send_late, 200, [(b"content-type", b"application/x-amz-json-1.1")], b"{}")
        else:
            await self._inner(scope, receive, send_late)

    async def _object(
        self, method: str, path: str, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        body, found = await read_body(receive), self.objects.get(path)
        if method == "GET":
            denied = b"<Error><Code>AccessDenied</Code></Error>"
            known = [] if found is None else [(b"etag", _etag(found))]
            await answer(send, 403 if found is None else 200, known, denied if found is None else found)
        elif method == "PUT" and _is_unmet(headers, found):
            await answer(send, 412, [], b"<Error><Code>PreconditionFailed</Code></Error>")
        elif method == "PUT":
            self.objects[path] = body
            await answer(send, 200, [(b"etag", _etag(body))], b"")
        else:
            self.objects.pop(path, None)
            await answer(send, 204, [], b"")

    def _page(self, name: str, body: bytes) -> Any:
        if name == "record":
            return {
                "calls": self.calls,
                "tasks": [_row(task) for task in self._cloud.plane.tasks()],
                "busy": time.process_time(),
                "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "first_lines": self.first_lines,
                "injected": dict(self._cloud.plane.faults.injected),
                "left": len(self.objects),
            }
        if name == "count":
            return {"tasks": len(self._cloud.plane.tasks()), "busy": time.process_time()}
        if name == "preload":
            return {"arns": self._preload(decode(body)["tasks"])}
        raise ValueError(name)

    def _preload(self, tasks: list[dict[str, str]]) -> list[str]:
        """Start tasks as if another scheduler had launched them; none of them ends."""
        engine: Any = self._cloud.engine
        before, engine.default = engine.default, Behaviour(provisioning=0, pending=0, run=None)
        arns = []
        for each in tasks:
            reply = self._cloud.plane.call("RunTask", _request(each), "us-east-1", as_epoch)
            arns.append(reply.document["tasks"][0]["taskArn"])
        engine.default = before
        return arns


def _operation(scope: Scope) -> str:
    target = next((value for name, value in scope["headers"] if name == b"x-amz-target"), b"")
    if found := TARGET.search(target):
        return found[1].decode()
    return {"PUT": "PutObject", "DELETE": "DeleteObject", "GET": "GetObject"}.get(scope["method"], "Other")


def _etag(content: bytes) -> bytes:
    return f'"{zlib.crc32(content):08x}"'.encode()


def _is_unmet(headers: dict[bytes, bytes], found: bytes | None) -> bool:
    """Return whether S3 rejects a write for its condition."""
    if b"if-none-match" in headers:
        return found is not None
    return b"if-match" in headers and (found is None or headers[b"if-match"] != _etag(found))


def _request(task: dict[str, str]) -> dict[str, Any]:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
    command = {"name": FAMILY, "command": [task["name"]]}
    return {
        "cluster": CLUSTER,
        "taskDefinition": FAMILY,
        "launchType": "FARGATE",
        "networkConfiguration": network,
        "overrides": {"containerOverrides": [command]},
        "startedBy": task["started_by"],
    }


def _row(task: Task) -> dict[str, Any]:
    # Depending on the executor, the workload's name is in the command or in the tags.
    text = encode([task.overrides, dict(task.tags)])
    found = WORKLOAD.search(text)
    return {
        "name": found[0].decode() if found else name_in(text),
        "arn": task.arn,
        "status": task.last_status,
        "created": task.created_at,
        "started": task.started_at,
        # The container's exit. STOPPED follows when the network interface is removed.
        "exited": task.stopping_at,
        "stopped": task.stopped_at,
        "provider": task.capacity_provider,
    }


def build(port: int, seed: int) -> tuple[LocalCloud, Edge]:
    """Return a cloud with a cluster and a task definition, ready to be served."""
    cloud = LocalCloud(CloudOptions(engine="simulated", port=port, seed=seed))
    cloud.build()
    plane: Any = cloud.plane
    catalog = StaticCatalog(ACCOUNT)
    catalog.add_cluster(CLUSTER)
    catalog.add_task_definition(
        family=FAMILY, cpu="256", memory="512", containerDefinitions=[{"name": FAMILY, "image": "worker"}]
    )
    plane.catalog = catalog
    plane.deliver_through(_slow_bus(cloud, seed))
    edges: list[Edge] = []

    def layer(inner: Any) -> Edge:
        edges.append(Edge(cloud, inner, seed))
        return edges[0]

    cloud.put_in_front(layer)
    return cloud, edges[0]


def _slow_bus(cloud: LocalCloud, seed: int) -> Callable[[TaskEvent, Callable[[TaskEvent], None]], None]:
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def carry(event: TaskEvent, receive: Callable[[TaskEvent], None]) -> None:
        cloud.plane.clock.call_later(draw.uniform(*BUS_SECONDS), lambda: receive(event))

    return carry


def _connect_insides(cloud: LocalCloud, edge: Edge, workers: Any, options: dict[str, Any]) -> None:
    """Let standbys take tasks, and note when every task writes its first line."""
    from benchmarks.cloud_standbys import Insides  # noqa: PLC0415  for one benchmark

    plane: Any = cloud.plane
    insides, emit = Insides(cloud, edge.objects, workers, options), plane._emit
    edge.first_lines = insides.first_lines

    def note(task: Task) -> None:
        insides.note(task)
        emit(task)

    plane._emit = note


def _connect_workers(plane: Any, database: str) -> Any:
    """Let the containers' workers change Airflow's database, even if ECS's events are lost."""
    from benchmarks.workers import Workers  # noqa: PLC0415  needs PostgreSQL's driver

    workers, emit = Workers(database), plane._emit

    def note(task: Task) -> None:
        workers.note(task)
        emit(task)

    plane._emit = note
    return workers


def main() -> int:
    """Serve until SIGTERM."""
    options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    cloud, edge = build(options.get("port", 0), options.get("seed", 0))
    LATENCY.update(options.get("latency", {}))
    if database := options.get("database"):
        workers = _connect_workers(cloud.plane, database)
        if inside := options.get("inside"):
            _connect_insides(cloud, edge, workers, inside)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # This process is not what is measured. Its tasks stay alive, and collecting them over and over costs
    # time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    try:
        cloud.serve(lambda: print(f"ready {cloud.endpoint}", flush=True))
    finally:
        cloud.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
