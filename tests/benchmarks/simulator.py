"""The throughput of the simulated AWS, to show that it is not the bottleneck of the other scenarios.

A client sends requests as boto3 writes them, over persistent connections. The figure is requests per second
of the simulated AWS's CPU, so it does not depend on the machine's load.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.cloud_process import CLUSTER, FAMILY

_CONNECTIONS = 200
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0"
)
_NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}}
_COMMAND = ["airflow", "fargate", "run-workload", "json:" + "x" * 1200]


def capacity(requests: int) -> dict[str, dict[str, float]]:
    """Return the figures of each operation.

    Args:
        requests: how many to send of each.
    """
    with Cloud(CloudSetup(quotas=None)) as cloud:
        cloud.open()
        (arn, *_) = cloud.preload([{"name": "task-000000", "started_by": "airflow/0"}])
        run_task = {
            "cluster": CLUSTER,
            "taskDefinition": FAMILY,
            "launchType": "FARGATE",
            "networkConfiguration": _NETWORK,
            "overrides": {"containerOverrides": [{"name": FAMILY, "command": _COMMAND}]},
            "tags": [{"key": f"airflow:{n}", "value": "benchmark"} for n in range(7)],
        }
        asked: dict[str, dict[str, Any]] = {
            "DescribeTasks": {"cluster": CLUSTER, "tasks": [arn]},
            "ListTasks": {"cluster": CLUSTER, "startedBy": "airflow/0"},
            # Last, because its containers keep the simulated AWS busy while they start.
            "RunTask": run_task,
        }
        return {name: _play(cloud, name, document, requests) for name, document in asked.items()}


def _play(cloud: Cloud, operation: str, document: dict[str, Any], requests: int) -> dict[str, float]:
    address = urlsplit(cloud.endpoint)
    busy, begun = float(cloud.call("_bench/count")["busy"]), time.perf_counter()
    asyncio.run(_ask(str(address.hostname), int(address.port or 80), operation, document, requests))
    seconds = time.perf_counter() - begun
    spent = float(cloud.call("_bench/count")["busy"]) - busy
    return {
        "requests": requests,
        "seconds": seconds,
        "requests_a_second": requests / seconds,
        "requests_a_core_second": requests / spent,
    }


async def _ask(host: str, port: int, operation: str, document: dict[str, Any], requests: int) -> None:
    numbers = iter(range(requests))

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for number in numbers:
            body = json.dumps({**document, "clientToken": f"{operation}-{number}"}).encode()
            head = (
                f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-amz-json-1.1\r\n"
                f"X-Amz-Target: AmazonEC2ContainerServiceV20141113.{operation}\r\n"
                f"Authorization: {_SIGNED}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            status, *headers = answer.decode("latin-1").lower().split("\r\n")
            length = next(int(each.split(":")[1]) for each in headers if each.startswith("content-length:"))
            said = await reader.readexactly(length)
            if " 200 " not in status:
                raise RuntimeError(f"The simulated AWS answered {operation} with {status}: {said!r}")
        writer.close()

    await asyncio.gather(*(one() for _ in range(min(_CONNECTIONS, requests))))
