"""Airflow's services on ECS: how far they are, and why one does not start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMPONENTS = ("api", "scheduler", "dag-processor", "triggerer")
LINES = 15
TUNNEL, FAILED = "tunnel", "FAILED"
ROLLED_BACK = ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"]
"""What ListServiceDeployments calls a deployment that the circuit breaker ended."""
SCALING = "Scaling activity initiated by"
WAIT_SECONDS = 900.0
POLL_SECONDS = 10.0
STEADY_LOOKS = 3
"""Looks in a row: a container that exits after each start is steady for a moment, too."""


@dataclass(frozen=True)
class Status:
    """One service.

    Args:
        name: the component.
        running: containers that run.
        desired: containers that should.
        deploying: whether ECS is replacing or starting containers.
        failed: whether ECS gave up a deployment.
    """

    name: str
    running: int
    desired: int
    deploying: bool
    failed: bool

    @property
    def steady(self) -> bool:
        """Whether it runs as it should."""
        return not self.failed and not self.deploying and self.running == self.desired > 0

    def __str__(self) -> str:
        """Return it in a few words."""
        state = "failed" if self.failed else "steady" if self.steady else "starting"
        return f"{self.name} {self.running}/{self.desired} {state}"


class Services:
    """The services of one deployment.

    Args:
        client: returns a boto3 client of a service.
        cluster: the ECS cluster.
        log_groups: log group by component.
        say: prints a line.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        cluster: str,
        log_groups: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._ecs, self._logs = client("ecs"), client("logs")
        self._cluster = cluster
        self._log_groups = log_groups
        self._say = say
        self._said = ""
        self._failed_before: set[str] = set()
        self._rolled_back_before: set[str] = set()
        self._last: list[Status] = []

    def status(self) -> list[Status]:
        """Return the services that there are."""
        found = self._services()
        return [_status(name, found[name], self._failed_before) for name in COMPONENTS if name in found]

    def forget_failures(self) -> None:
        """Take the deployments that have failed until now for those of an earlier run."""
        services = self._services()
        deployments = [each for service in services.values() for each in service["deployments"]]
        self._failed_before = {each["id"] for each in deployments if each.get("rolloutState") == FAILED}
        self._rolled_back_before = {arn for name in services for arn in self._rollbacks(name)}

    def _rollbacks(self, name: str) -> set[str]:
        answer = self._ecs.list_service_deployments(cluster=self._cluster, service=name, status=ROLLED_BACK)
        return {each["serviceDeploymentArn"] for each in answer["serviceDeployments"]}

    def _services(self) -> dict[str, Any]:
        answer = self._ecs.describe_services(cluster=self._cluster, services=list(COMPONENTS))
        return {each["serviceName"]: each for each in answer["services"] if each["status"] != "INACTIVE"}

    def watch(self) -> bool:
        """Print what changed since the last look; return False when ECS has given up a service."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  boto3 comes in late

        try:
            status = self.status()
        except (BotoCoreError, ClientError) as error:
            self._say(f"  the services cannot be looked at now: {clean(error)}")
            return True
        self._last = status
        line = ", ".join(map(str, status))
        if line != self._said:
            self._said = line
            self._say(f"  {line}")
        return not any(each.failed for each in status)

    def wait(self, now: Callable[[], float], sleep: Callable[[float], None]) -> bool:
        """Wait until all four are steady; return False if one failed or fifteen minutes have passed."""
        until = now() + WAIT_SECONDS
        in_a_row = 0
        while self.watch() and now() < until:
            all_are = len(self._last) == len(COMPONENTS) and all(each.steady for each in self._last)
            in_a_row = in_a_row + 1 if all_are else 0
            if in_a_row == STEADY_LOOKS:
                return True
            sleep(POLL_SECONDS)
        return False

    def explain(self) -> Iterator[str]:
        """Yield lines about each service that failed: stop reason, container, last log lines.

        A service that ECS took back to its old version is steady again, and failed all the same.
        """
        for each in self.status():
            rolled_back = bool(self._rollbacks(each.name) - self._rolled_back_before)
            if rolled_back or not each.steady:
                yield f"{each}, back on its old version" if rolled_back and each.steady else f"{each}"
                yield from (f"    {line}" for line in self._explain(each.name))

    def _explain(self, name: str) -> Iterator[str]:
        task = self._last_stopped(name)
        if task is None:
            yield from self._events(name)
            return
        yield clean(task.get("stoppedReason") or "its container stopped")
        container = _guilty(task, name)
        if container is None:
            return
        said = [f"container {container['name']}"]
        if container.get("exitCode") is not None:
            said.append(f"exit code {container['exitCode']}")
        if container.get("reason"):
            said.append(clean(container["reason"]))
        yield ", ".join(said)
        yield from self._last_lines(name, container["name"], task["taskArn"].rpartition("/")[2])

    def _last_stopped(self, name: str) -> Any:
        arns = self._ecs.list_tasks(
            cluster=self._cluster, serviceName=name, desiredStatus="STOPPED", maxResults=100
        )["taskArns"]
        if not arns:
            return None
        tasks = self._ecs.describe_tasks(cluster=self._cluster, tasks=arns)["tasks"]
        # One that a deployment replaced has not failed. A failed health check has the same stop code.
        failed = [each for each in tasks if not each.get("stoppedReason", "").startswith(SCALING)] or tasks
        return max(failed, key=lambda each: each["createdAt"], default=None)

    def _events(self, name: str) -> Iterator[str]:
        answer = self._ecs.describe_services(cluster=self._cluster, services=[name])
        for event in answer["services"][0].get("events", [])[:3]:
            yield clean(event["message"])

    def _last_lines(self, component: str, container: str, task_id: str) -> Iterator[str]:
        group = self._log_groups.get(component)
        if not group:
            return
        try:
            events = self._logs.get_log_events(
                logGroupName=group, logStreamName=f"{component}/{container}/{task_id}", limit=LINES
            )["events"]
        except self._logs.exceptions.ResourceNotFoundException:
            yield f"It wrote nothing to {group}."
            return
        for event in events:
            yield f"| {clean(event['message'])}"


def _status(name: str, service: Mapping[str, Any], failed_before: set[str]) -> Status:
    deployments = [each for each in service.get("deployments", []) if each["id"] not in failed_before]
    states = [each.get("rolloutState") for each in deployments]
    return Status(
        name=name,
        running=service["runningCount"],
        desired=service["desiredCount"],
        deploying=len(deployments) > 1 or "IN_PROGRESS" in states,
        failed=FAILED in states,
    )


def _guilty(task: Mapping[str, Any], component: str) -> Any:
    """Return the container that ended the task: one with an error, else the component's own."""
    containers = [each for each in task.get("containers", []) if each["name"] != TUNNEL]
    wrong = [each for each in containers if each.get("exitCode")]
    own = [each for each in containers if each["name"] == component]
    return next(iter([*wrong, *own, *containers]), None)
