"""Drives as a scenario holds them: a scheduler process per executor, and the record of what it did."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import CREDENTIALS, REGION, TESTS
from benchmarks.cloud_process import BUCKET, CLUSTER, FAMILY
from benchmarks.scheduler import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cloud import Cloud
    from benchmarks.scheduler import Drive

_GRACE_SECONDS = 900.0
"""How long after its end a drive may be inside one heartbeat: the peer's can take minutes."""


@dataclass(frozen=True)
class Record:
    """What a scheduler did, and what the cloud saw of it."""

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
        """When the loop began, seconds since the epoch."""
        return float(self.marks["started"])


class Home:
    """A folder for Airflow's home and the drives' files, for one benchmark run."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="airflow-fargate-benchmark-")
        self.path = Path(self._folder.name)

    def close(self) -> None:
        """Remove it."""
        self._folder.cleanup()

    def environment(
        self, cloud: Cloud, executor: str, *, payloads: bool, options: dict[str, str]
    ) -> dict[str, str]:
        """Return a scheduler's environment; ``options`` are more options of ``[fargate]``."""
        ours = {
            "CLUSTER": CLUSTER,
            "TASK_DEFINITION": FAMILY,
            "CONTAINER_NAME": FAMILY,
            "SUBNETS": "subnet-1,subnet-2",
            "SECURITY_GROUPS": "sg-1",
            "EVENT_QUEUE_URL": cloud.queue_url,
            **({"PAYLOAD_BUCKET": BUCKET} if payloads else {}),
            **options,
        }
        peer = {
            "CLUSTER": CLUSTER,
            "TASK_DEFINITION": FAMILY,
            "CONTAINER_NAME": FAMILY,
            "SUBNETS": "subnet-1,subnet-2",
            "SECURITY_GROUPS": "sg-1",
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


class Run:
    """One scheduler process."""

    def __init__(self, home: Home, drive: Drive, environment: dict[str, str]) -> None:
        self._commits = Path(drive.commits)
        self._deadline = time.monotonic() + drive.seconds + _GRACE_SECONDS
        self._output = (home.path / f"{self._commits.name}.out").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.scheduler"],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=(home.path / f"{self._commits.name}.err").open("w", encoding="utf-8"),
            text=True,
            cwd=home.path,
            env=environment,
        )
        if self._process.stdin:
            self._process.stdin.write(json.dumps(dataclasses.asdict(drive)) + "\n")
            self._process.stdin.flush()

    def wait_until_prepared(self) -> None:
        """Return when the executor is loaded and has adopted what it was offered."""
        ready = Path(f"{self._commits}.ready")
        while not ready.exists() and self._process.poll() is None:
            time.sleep(0.02)

    def go(self) -> None:
        """Let its loop begin."""
        if self._process.stdin and self._process.poll() is None:
            self._process.stdin.write("go\n")
            self._process.stdin.close()

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Kill it with SIGKILL as soon as something is so."""
        while not reached() and self._process.poll() is None:
            time.sleep(0.02)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._output.close()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def committed(self) -> list[list[str]]:
        """Return what it would have written to the database: [task id, state, info] in order."""
        lines = self._commits.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("]")]

    def finish(self) -> dict[str, Any]:
        """Wait for its end; return its record."""
        try:
            code = self._process.wait(self._deadline - time.monotonic())
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError("A scheduler did not come to its end.") from None
        self._output.seek(0)
        text = self._output.read()
        self._output.close()
        if code or not text:
            errors = self._commits.with_name(f"{self._commits.name}.err").read_text(encoding="utf-8")
            raise RuntimeError(f"A scheduler ended with {code}: {errors[-2000:]}")
        record: dict[str, Any] = json.loads(text)
        return record
