"""Fakes for your own tests: of an ``execution_config_function``, a queue's profile, an ``executor_config``.

Needs neither Airflow's database nor AWS::

    from airflow_fargate.testing import run_task_request
    from my_company.airflow import fargate_request

    def test_big_tasks_get_big_containers() -> None:
        request = run_task_request(executor_config={"cpu": 4096, "memory": 16384})
        assert request["overrides"]["cpu"] == "4096"

    def test_our_hook_returns_what_run_task_takes() -> None:
        request = run_task_request(hook=fargate_request())
        assert request["launchType"] == "FARGATE"

What is refused in production is refused here, with the same error and the same sentence.
"""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airflow_fargate.launching import payload
from airflow_fargate.launching.request import RunRequestBuilder, request_faults
from airflow_fargate.settings.config import FargateConfig, read_config
from airflow_fargate.settings.task_options import TaskOptions, effective_options, parse_task_options
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
"""A ``[fargate]`` section as small as one may be, with a bucket."""


class ManualClock:
    """Both clocks of :class:`airflow_fargate.clock.Clock`; they stand still until moved.

    Args:
        start: seconds since the epoch.
    """

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._start = start
        self._elapsed = 0.0

    def monotonic(self) -> float:
        """Return the seconds by which it was moved."""
        return self._elapsed

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._start + self._elapsed

    def advance(self, seconds: float) -> None:
        """Move it forward.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock does not go back: {seconds}")
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
        config: options of ``[fargate]`` as texts, laid over :data:`SECTION`; or a whole configuration.
        executor_config: the task's own.
        hook: what ``execution_config_function`` returns when it is called, so the inner function.
        command: the container's command; by default the one that an Airflow 3 workload is launched with.
        queue: the task's queue, for its profile.

    Raises:
        ConfigurationError: the options are wrong.
        TaskOptionsError: ``executor_config`` or the profile is, or Fargate has no such size.
        RequestError: the hook failed, or RunTask would not take the request.
    """
    if not isinstance(config, FargateConfig):
        section = {**SECTION, **(config or {})}
        config = read_config(section, section.get)
    given = config.profiles.get(queue)
    profile = parse_task_options(f"profile {queue}", given) if given is not None else TaskOptions()
    options = effective_options(config, profile, parse_task_options("executor_config", executor_config))
    launch = Launch("key", LAUNCH_ID, 1, TaskIdentity("dag", "task", "run", 1), options)
    builder = RunRequestBuilder(config, hook, request_faults)
    words = list(command) if command else payload.command_for(f"s3://payloads/workloads/{LAUNCH_ID}.json")
    request = builder.build(Attempt(launch, number=0, capacity=0, deadline=0.0), words)
    if not builder.overrides_fit(request):
        raise payload.too_large(builder.overrides_size(request), inline=False)
    return request


class FakeEcs:
    """boto3's ECS client as far as the executor uses it: tasks in memory, moved by hand.

    ``requests`` holds what RunTask was asked, ``stops`` the (ARN, reason) pairs of StopTask::

        ecs = FakeEcs()
        ecs.refuse("AccessDeniedException", "no iam:PassRole", status=400)
        arn = ecs.run_task(**request)["tasks"][0]["taskArn"]   # raises ClientError the first time
        ecs.move(arn, "STOPPED", exit_code=1)

    Args:
        cluster: the name in the tasks' ARNs.
        clock: gives the tasks their times.
    """

    def __init__(self, cluster: str = "airflow", clock: ManualClock | None = None) -> None:
        self.cluster = cluster
        self.clock = clock or ManualClock()
        self.requests: list[dict[str, Any]] = []
        self.stops: list[tuple[str, str]] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self._by_token: dict[str, str] = {}
        self._refusals: list[Exception | str] = []

    def refuse(self, code: str, message: str = "", status: int = 400) -> None:
        """Have the next RunTask raise a ClientError; several queue up."""
        body = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self._refusals.append(ClientError(body, "RunTask"))

    def refuse_capacity(self, reason: str = "Capacity is unavailable at this time") -> None:
        """Have the next RunTask answer with ``failures[]``; several queue up."""
        self._refusals.append(reason)

    def move(
        self, arn: str, last_status: str, *, exit_code: int | None = None, **members: Any
    ) -> dict[str, Any]:
        """Change a task: status, the exit code of its containers, any other member; return it."""
        task = self.tasks[arn]
        task.update(members, lastStatus=last_status, version=task["version"] + 1)
        for container in task["containers"]:
            container["lastStatus"] = last_status
            if exit_code is not None:
                container["exitCode"] = exit_code
        return copy.deepcopy(task)

    def run_task(self, **request: Any) -> dict[str, Any]:
        """See boto3. The same clientToken is answered with the same task."""
        self.requests.append(copy.deepcopy(request))
        if self._refusals:
            refusal = self._refusals.pop(0)
            if isinstance(refusal, Exception):
                raise refusal
            return {"tasks": [], "failures": [{"reason": refusal}]}
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
        """See boto3. The task stops at once, with UserInitiated."""
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
