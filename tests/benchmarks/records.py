"""What a run leaves behind: the schedulers' record, and the folder and environment they run in."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import CREDENTIALS, REGION, TESTS
from benchmarks.cloud_process import BUCKET, CLUSTER, FAMILY

if TYPE_CHECKING:
    from benchmarks.cloud import Cloud

CLASSES = {
    "ours": "airflow_fargate.FargateExecutor",
    "peer": "airflow.providers.amazon.aws.executors.ecs.ecs_executor.AwsEcsExecutor",
    "celery": "CeleryExecutor",
    "floor": "benchmarks.null_executor.NullExecutor",
}
"""``floor`` does nothing: it shows what Airflow's scheduler manages by itself."""


@dataclass(frozen=True)
class Record:
    """What the schedulers of one run did, and what the simulated AWS saw of it.

    Times are seconds since the epoch.

    Args:
        heartbeats: see ``benchmarks.runner``.
        events: ``[time, task, state, info]`` of each executor event that Airflow committed.
        marks: single figures, by name.
        cloud: see ``benchmarks.cloud_process``.
        event_lags: seconds from an event's arrival in the queue to the scheduler that owns the task.
        loops: ``[time, seconds without the sleep]`` of each turn of the scheduler's loop.
        freed: ``[time, task]`` of each slot that became free.
        states: the state of each task instance in the database at the end.
    """

    heartbeats: list[list[float]]
    events: list[list[Any]]
    marks: dict[str, Any]
    cloud: dict[str, Any]
    event_lags: list[float] = field(default_factory=list)
    loops: list[list[float]] = field(default_factory=list)
    freed: list[list[Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)

    @property
    def started(self) -> float:
        """When the first tasks became due."""
        return float(self.marks["started"])


class Home:
    """A temporary folder for Airflow's home and the files of one benchmark."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="airflow-fargate-benchmark-")
        self.path = Path(self._folder.name)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def environment(
        self, cloud: Cloud, executor: str, *, payloads: bool, options: dict[str, str]
    ) -> dict[str, str]:
        """Return the environment of a scheduler.

        Args:
            cloud: the simulated AWS.
            executor: a key of ``CLASSES``.
            payloads: whether our executor puts workloads into S3.
            options: more options of ``[fargate]``.
        """
        network = {
            "CLUSTER": CLUSTER,
            "TASK_DEFINITION": FAMILY,
            "CONTAINER_NAME": FAMILY,
            "SUBNETS": "subnet-1,subnet-2",
            "SECURITY_GROUPS": "sg-1",
        }
        bucket = {"PAYLOAD_BUCKET": BUCKET} if payloads else {}
        ours = {**network, "EVENT_QUEUE_URL": cloud.queue_url, **bucket, **options}
        peer = {
            **network,
            "LAUNCH_TYPE": "FARGATE",
            "PLATFORM_VERSION": "LATEST",
            "ASSIGN_PUBLIC_IP": "False",
            "REGION_NAME": REGION,
        }
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.path),
            "PYTHONPATH": str(TESTS),
            "AIRFLOW_HOME": str(self.path),
            "AIRFLOW__CORE__EXECUTOR": CLASSES[executor],
            "AIRFLOW__CORE__PARALLELISM": "1000000",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://airflow.internal:8080/execution/",
            "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef" * 4,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "AWS_ENDPOINT_URL": cloud.endpoint,
            **CREDENTIALS,
            **{f"AIRFLOW__FARGATE__{name}": value for name, value in ours.items()},
            **{f"AIRFLOW__AWS_ECS_EXECUTOR__{name}": value for name, value in peer.items()},
        }
