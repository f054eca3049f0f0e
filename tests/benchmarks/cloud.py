"""The simulated AWS of a scenario: a separate process that is started, set up, queried and ended here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

TESTS = Path(__file__).resolve().parents[1]
REGION = "us-east-1"
RULE_STATUSES = ("RUNNING", "DEPROVISIONING", "STOPPED")
"""The statuses that the rule of the task_events module lets through."""
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True)
class CloudSetup:
    """How AWS behaves.

    Args:
        quotas: a factor for AWS's default limits; None for no limits.
        run: seconds that a container runs: a number, a range, or None to run until it is stopped.
        faults: as POST /_local/faults takes them.
        events: as POST /_local/faults takes them.
        describe_lag: seconds until DescribeTasks returns a task that RunTask returned.
        seed: of the random numbers.
        exit_code: of the containers.
    """

    quotas: float | None = 1.0
    run: float | list[float] | None = None
    faults: list[dict[str, Any]] = field(default_factory=list)
    events: dict[str, Any] = field(default_factory=dict)
    describe_lag: float = 0.0
    seed: int = 0
    exit_code: int = 0


class Cloud:
    """A running simulated AWS; a context manager.

    Args:
        setup: how it behaves.
        database: the address of Airflow's database for psycopg2; containers change their task instances
            there.
    """

    def __init__(self, setup: CloudSetup, database: str = "") -> None:
        self._setup = setup
        self._database = database
        self._process: subprocess.Popen[str]
        self.endpoint = ""
        self.queue_url = ""
        self._busy_before = 0.0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.cloud_process", self._options()],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=TESTS,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("ready "):
            self._process.kill()
            raise RuntimeError("The simulated cloud did not start: run `make cloud` to see why.")
        self.endpoint = line.split()[1]
        self._build_queue()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _options(self) -> str:
        return json.dumps({"seed": self._setup.seed, "database": self._database})

    def open(self) -> None:
        """Apply the setup's limits, behaviour and faults, and start to deliver events.

        Faults count their time from now. Events of preloaded tasks are not delivered: they went to the
        scheduler that launched them.
        """
        setup = self._setup
        self._route_events()
        self.call(
            "_local/faults",
            {
                "clear": True,
                "behaviour": {"run": setup.run, "exit_code": setup.exit_code},
                "limits": None if setup.quotas is None else {"scale": setup.quotas},
                "faults": setup.faults,
                "events": setup.events,
                "describe_lag": setup.describe_lag,
            },
        )
        self._busy_before = float(self.call("_bench/record")["busy"])

    def preload(self, tasks: list[dict[str, str]]) -> list[str]:
        """Start these tasks (name, started_by) before the scenario begins; return their ARNs."""
        self.call("_local/faults", {"limits": None})
        return [
            arn
            for start in range(0, len(tasks), 500)
            for arn in self.call("_bench/preload", {"tasks": tasks[start : start + 500]})["arns"]
        ]

    def count(self) -> int:
        """Return how many containers were launched so far."""
        return int(self.call("_bench/count")["tasks"])

    def record(self) -> dict[str, Any]:
        """Return every call and every container so far; see ``benchmarks.cloud_process``."""
        record: dict[str, Any] = self.call("_bench/record")
        # The CPU of the start does not belong to the scenario.
        record["busy"] -= self._busy_before
        return record

    def call(self, page: str, document: dict[str, Any] | None = None) -> Any:
        """Call one of the simulated AWS's own pages."""
        body = None if document is None else json.dumps(document).encode()
        with urllib.request.urlopen(f"{self.endpoint}/{page}", body, timeout=60) as reply:  # noqa: S310
            return json.load(reply)

    def _client(self, service: str) -> Any:
        import boto3  # noqa: PLC0415  half a second

        session = boto3.session.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",
            region_name=REGION,
        )
        return session.client(service, endpoint_url=self.endpoint)

    def _build_queue(self) -> None:
        sqs = self._client("sqs")
        self.queue_url = sqs.create_queue(QueueName="events", Attributes={"VisibilityTimeout": "30"})[
            "QueueUrl"
        ]

    def _route_events(self) -> None:
        events = self._client("events")
        pattern = {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {
                "clusterArn": [f"arn:aws:ecs:{REGION}:123456789012:cluster/airflow"],
                "lastStatus": list(RULE_STATUSES),
            },
        }
        events.put_rule(Name="events", EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:{REGION}:123456789012:events"
        events.put_targets(Rule="events", Targets=[{"Id": "executor", "Arn": arn}])
