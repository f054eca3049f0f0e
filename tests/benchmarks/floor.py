"""The CPU that boto3 alone needs for the calls of a launch, one call after another."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import REGION, Cloud, CloudSetup
from benchmarks.cloud_process import BUCKET, CLUSTER, FAMILY

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = 100
_COMMAND = ["airflow", "fargate", "run-workload", "json:" + "x" * 1200]


def bare_calls_ms() -> tuple[float, float]:
    """Return the CPU milliseconds of one RunTask and of one PutObject with a launch's size."""
    with Cloud(CloudSetup(quotas=None)) as cloud:
        cloud.open()
        run_task, s3 = _client(cloud.endpoint, "ecs").run_task, _client(cloud.endpoint, "s3")
        document = _COMMAND[-1].encode()
        return (
            _cpu_ms(lambda _: _call(run_task)),
            _cpu_ms(lambda number: s3.put_object(Bucket=BUCKET, Key=f"bare/{number}", Body=document)),
        )


def _cpu_ms(call: Callable[[int], Any]) -> float:
    call(-1)
    begun = time.process_time()
    for number in range(_CALLS):
        call(number)
    return 1000 * (time.process_time() - begun) / _CALLS


def _call(run_task: Callable[..., Any]) -> None:
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    run_task(
        cluster=CLUSTER,
        taskDefinition=FAMILY,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
        overrides={"containerOverrides": [{"name": FAMILY, "command": _COMMAND}]},
        startedBy="airflow/00000000-0000-4000-8000-000000000000",
        tags=[{"key": f"airflow:{n}", "value": "benchmark"} for n in range(7)],
        enableECSManagedTags=True,
        propagateTags="TASK_DEFINITION",
    )


def _client(endpoint: str, service: str) -> Any:
    import boto3  # noqa: PLC0415  half a second

    session = boto3.session.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",
        region_name=REGION,
    )
    return session.client(service, endpoint_url=endpoint)
