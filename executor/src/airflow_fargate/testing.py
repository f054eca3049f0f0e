"""Fakes to test your ``execution_config_function``, profiles and ``executor_config``.

They need neither Airflow's database nor AWS::

    from airflow_fargate.testing import run_task_request
    from my_company.airflow import fargate_request

    def test_big_tasks_get_big_containers() -> None:
        request = run_task_request(executor_config={"cpu": 4096, "memory": 16384})
        assert request["overrides"]["cpu"] == "4096"

    def test_our_hook_returns_a_valid_request() -> None:
        request = run_task_request(hook=fargate_request())
        assert request["launchType"] == "FARGATE"

Whatever the executor rejects is rejected here with the same error and message.
"""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airflow_fargate.launching import payload
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.task_options import NO_OPTIONS, effective_options, parse_task_options
from airflow_fargate.tasks.launch import Attempt, Launch, TaskIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_fargate.launching.request import Hook

__all__ = ["FakeEcs", "ManualClock", "run_task_request"]

LAUNCH_ID = "00000000-0000-4000-8000-000000000001"
SECTION: Mapping[str, str] = {
    "region": "us-east-1",
    "cluster": "airflow",
    "task_definition": "airflow-worker",
    "container_name": "worker",
    "subnets": "subnet-1,subnet-2",
    "security_groups": "sg-1",
    "payload_bucket": "payloads",
}
"""The smallest ``[fargate]`` section, with a bucket."""


class ManualClock:
    """Both clocks of :class:`airflow_fargate.clock.Clock`. They stand still until a test advances them.

    Args:
        start: seconds since the epoch.
    """

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._start = start
        self._elapsed = 0.0

    def monotonic(self) -> float:
        """Return the seconds by which it was advanced."""
        return self._elapsed

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._start + self._elapsed

    def advance(self, seconds: float) -> None:
        """Advance the clock.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"seconds must not be negative, got {seconds}.")
        self._elapsed += seconds


def run_task_request(
    config: Mapping[str, str] | FargateConfig | None = None,
    executor_config: Mapping[str, Any] | None = None,
    hook: Hook | None = None,
    command: Sequence[str] | None = None,
    queue: str = "default",
) -> dict[str, Any]:
    """Return the request that the executor would send to RunTask for one task.

    Args:
        config: options of ``[fargate]`` as strings, on top of :data:`SECTION`; or a whole configuration.
        executor_config: the task's own options.
        hook: the function that ``execution_config_function`` returns.
        command: the container's command; by default that of an Airflow 3 workload.
        queue: the task's queue, whose profile applies.

    Raises:
        ConfigurationError: an option or a profile is wrong.
        TaskOptionsError: ``executor_config`` is wrong, or Fargate has no such size.
        RequestError: the hook failed, or RunTask would reject the request.
    """
    if not isinstance(config, FargateConfig):
        section = {**SECTION, **(config or {})}
        config = read_config(section, section.get)
    own = parse_task_options("executor_config", executor_config)
    options = effective_options(config, config.profiles.get(queue, NO_OPTIONS), own)
    launch = Launch("key", LAUNCH_ID, 1, TaskIdentity("dag", "task", "run", 1), options)
    builder = RunRequestBuilder(config, hook, request_faults)
    words = list(command) if command else payload.command_for(f"s3://payloads/workloads/{LAUNCH_ID}.json")
    request = builder.build(Attempt(launch, number=0, capacity=0, deadline=0.0), words)
    if not builder.overrides_fit(request):
        raise payload.too_large(builder.overrides_size(request), inline=False)
    return request


class FakeEcs:
    """The part of boto3's ECS client that the executor uses, with tasks in memory that a test moves.

    ``requests`` holds the arguments of RunTask, ``stops`` the (ARN, reason) pairs of StopTask::

        ecs = FakeEcs()
        ecs.reject("AccessDeniedException", "no iam:PassRole", status=400)
        arn = ecs.run_task(**request)["tasks"][0]["taskArn"]   # raises ClientError the first time
        ecs.move(arn, "STOPPED", exit_code=1)

    Args:
        cluster: the cluster's name in the ARNs.
        clock: the source of the tasks' times.
    """

    def __init__(self, cluster: str = "airflow", clock: ManualClock | None = None) -> None:
        self.cluster = cluster
        self.clock = clock or ManualClock()
        self.requests: list[dict[str, Any]] = []
        self.stops: list[tuple[str, str]] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self._by_token: dict[str, str] = {}
        self._rejections: list[Exception | str] = []

    def reject(self, code: str, message: str = "", status: int = 400) -> None:
        """Make the next RunTask raise a ClientError. Several calls queue up."""
        body = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self._rejections.append(ClientError(body, "RunTask"))

    def reject_for_capacity(self, reason: str = "Capacity is unavailable at this time") -> None:
        """Make the next RunTask return ``failures[]``. Several calls queue up."""
        self._rejections.append(reason)

    def move(
        self, arn: str, last_status: str, *, exit_code: int | None = None, **members: Any
    ) -> dict[str, Any]:
        """Set a task's status, the exit code of its containers, or any other member; return the task."""
        task = self.tasks[arn]
        task.update(members, lastStatus=last_status, version=task["version"] + 1)
        for container in task["containers"]:
            container["lastStatus"] = last_status
            if exit_code is not None:
                container["exitCode"] = exit_code
        return copy.deepcopy(task)

    def run_task(self, **request: Any) -> dict[str, Any]:
        """See boto3. The same clientToken returns the same task."""
        self.requests.append(copy.deepcopy(request))
        if self._rejections:
            rejection = self._rejections.pop(0)
            if isinstance(rejection, Exception):
                raise rejection
            return {"tasks": [], "failures": [{"reason": rejection}]}
        token = request.get("clientToken") or f"token-{len(self.requests)}"
        arn = self._by_token.setdefault(
            token, f"arn:aws:ecs:us-east-1:123456789012:task/{self.cluster}/{len(self._by_token) + 1:032d}"
        )
        if arn not in self.tasks:
            self.tasks[arn] = self._new_task(arn, request)
        return {"tasks": [copy.deepcopy(self.tasks[arn])], "failures": []}

    def describe_tasks(self, **request: Any) -> dict[str, Any]:
        """See boto3."""
        found = [copy.deepcopy(self.tasks[arn]) for arn in request["tasks"] if arn in self.tasks]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in request["tasks"] if arn not in self.tasks]
        return {"tasks": found, "failures": missing}

    def stop_task(self, **request: Any) -> dict[str, Any]:
        """See boto3. The task stops at once with stopCode UserInitiated."""
        arn, reason = request["task"], request.get("reason", "")
        self.stops.append((arn, reason))
        if arn not in self.tasks:
            body = {"Error": {"Code": "InvalidParameterException", "Message": "The task was not found."}}
            raise ClientError(body, "StopTask")
        return {"task": self.move(arn, "STOPPED", stopCode="UserInitiated", stoppedReason=reason)}

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        """See boto3, with ``startedBy``, ``desiredStatus``, ``maxResults`` and ``nextToken``."""
        stopped = request.get("desiredStatus", "RUNNING") == "STOPPED"
        arns = [
            arn
            for arn, task in self.tasks.items()
            if request.get("startedBy") in (None, task["startedBy"])
            and (task["lastStatus"] == "STOPPED") == stopped
        ]
        first, most = int(request.get("nextToken") or 0), int(request.get("maxResults") or 100)
        more = {"nextToken": str(first + most)} if len(arns) > first + most else {}
        return {"taskArns": arns[first : first + most], **more}

    def _new_task(self, arn: str, request: Mapping[str, Any]) -> dict[str, Any]:
        overrides = (request.get("overrides") or {}).get("containerOverrides") or [{}]
        return {
            "taskArn": arn,
            "lastStatus": "PROVISIONING",
            "version": 1,
            "startedBy": request.get("startedBy", ""),
            "createdAt": datetime.fromtimestamp(self.clock.time(), tz=timezone.utc),
            "containers": [
                {"name": each.get("name", "worker"), "lastStatus": "PENDING"} for each in overrides
            ],
        }
