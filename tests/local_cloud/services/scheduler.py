"""The service scheduler: one pass over a service whenever one of its tasks or its settings change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from local_cloud.ecs.lifecycle import STOPPED, Change
from local_cloud.errors import AwsError
from local_cloud.services import deployments, registration
from local_cloud.services.news import News
from local_cloud.services.planning import (
    Bounds,
    forgiven,
    is_healthy,
    is_running,
    is_unhealthy,
    is_wanted,
    plan,
    takes_room,
)
from local_cloud.services.records import ACTIVE, COMPLETED, DRAINING, FAILED, IN_PROGRESS, INACTIVE, PRIMARY
from local_cloud.services.requests import launch_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from random import Random

    from local_cloud.clock import Clock
    from local_cloud.ecs.records import Failure, Task
    from local_cloud.services.events import ServiceEvent
    from local_cloud.services.records import Deployment, Service
    from local_cloud.services.registrar import Registrar

SCALING = "Scaling activity initiated by (deployment {id})"
UNHEALTHY = "Task failed container health checks"
STOP_CODE = "ServiceSchedulerInitiated"
LAUNCHES_AT_ONCE = 10  # as many as RunTask starts
FREE_FAILURES = 3  # in a row, before launches wait
FIRST_WAIT, LONGEST_WAIT = 10.0, 900.0  # seconds


class Tasks(Protocol):
    """The task plane, as the scheduler uses it."""

    clock: Clock
    random: Random

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held while anything of the plane or of its services changes."""

    def run(self, parameters: Mapping[str, Any], region: str) -> tuple[list[Task], list[Failure]]:
        """Launch tasks as RunTask does; raises AwsError."""

    def stop(self, arn: str, change: Change) -> None:
        """Stop a task for the reason in the change."""

    def started_by(self, name: str) -> Sequence[Task]:
        """The tasks with that `startedBy`."""


class Scheduler:
    """Keeps the tasks of services as their deployments say. The task plane's lock guards it."""

    def __init__(self, tasks: Tasks, registrar: Registrar, publish: Callable[[ServiceEvent], None]) -> None:
        self._tasks = tasks
        self.registrar = registrar
        self._news = News(tasks.clock, tasks.random, publish)

    # What starts a pass

    def look_soon(self, service: Service, delay: float = 0.0) -> None:
        """Make a pass over the service, in the clock's own time; several at once become one."""
        if delay > 0:
            self._tasks.clock.call_later(delay, lambda: self.look_soon(service))
        elif not service.pass_due:
            service.pass_due = True
            self._tasks.clock.call_later(0.0, lambda: self._begin_pass(service))

    def task_changed(self, service: Service, task: Task) -> None:
        """Take note of a task's new state."""
        task = self._seen(service, task)
        deployment = next((item for item in service.deployments if item.id == task.started_by), None)
        if deployment is not None:
            self._judge(service, deployment, task)
        registries = deployment.settings.get("serviceRegistries", ()) if deployment is not None else ()
        registration.update(service, registries, task, self.registrar)
        if task.last_status == STOPPED:
            service.living.discard(task.arn)
            service.graced.discard(task.arn)
        self.look_soon(service)

    def begin(self, service: Service) -> None:
        """Make a new PRIMARY deployment with the service's settings."""
        deployment = deployments.begin(service, self._tasks.clock.now(), self._tasks.random)
        self._news.deployment(service, deployment, "IN_PROGRESS")
        self.look_soon(service)

    def scale(self, service: Service, count: int) -> None:
        """Change the desired count."""
        if count != service.desired_count:
            service.desired_count, service.steady = count, False
            self._news.scaled(service)
            self.look_soon(service)

    def roll_back(self, service: Service) -> None:
        """Return from the deployment in progress to the last completed one."""
        self._fail(service, rollback=True, cause="The service deployment was stopped.")
        self.look_soon(service)

    # One pass

    def _begin_pass(self, service: Service) -> None:
        with self._tasks.lock:
            service.pass_due = False
            if service.status != INACTIVE:
                self._pass(service)

    def _pass(self, service: Service) -> None:
        now, primary = self._tasks.clock.now(), service.primary
        if deployments.has_tripped(service):
            rollback = service.circuit_breaker["rollback"]
            self._fail(service, rollback=rollback, cause=deployments.TASKS_FAILED)
            primary = service.primary
        mine = self._tasks_of(service, primary)
        others = [task for item in service.deployments[1:] for task in self._tasks_of(service, item)]
        for task in mine:  # the grace period of one may have ended
            self._judge(service, primary, task)
        bounds = Bounds(service.desired_count, service.minimum, service.maximum)
        may_launch = service.status == ACTIVE and primary.rollout_state != FAILED and now >= primary.retry_at
        settled = primary.rollout_state == COMPLETED
        wanted = plan(mine, others, bounds, may_launch=may_launch, settled=settled)
        self._stop(service, wanted.unhealthy, UNHEALTHY)
        self._stop(service, wanted.surplus, SCALING.format(id=primary.id))
        if wanted.launch:
            self._launch(service, primary, wanted.launch)
        self._settle(service)

    def _tasks_of(self, service: Service, deployment: Deployment) -> list[Task]:
        return [self._seen(service, task) for task in self._tasks.started_by(deployment.id)]

    def _seen(self, service: Service, task: Task) -> Task:
        """The task as it is seen within its grace period, which ends with another look."""
        if not service.grace_period or task.started_at is None or task.health != "UNHEALTHY":
            return task
        now, until = self._tasks.clock.now(), task.started_at + service.grace_period
        if now < until and is_wanted(task) and task.arn not in service.graced:
            service.graced.add(task.arn)
            self.look_soon(service, until - now)
        return forgiven(task, until, now)

    def _launch(self, service: Service, deployment: Deployment, count: int) -> None:
        parameters = launch_parameters(service, deployment)
        launched: list[Task] = []
        problem = ""
        try:
            while count > len(launched) and not problem:
                wave = min(count - len(launched), LAUNCHES_AT_ONCE)
                tasks, failures = self._tasks.run({**parameters, "count": wave}, service.region)
                launched += tasks
                problem = failures[0].reason if failures else ""
        except AwsError as error:
            problem = error.message
        deployment.unproven.update(task.arn for task in launched)
        service.living.update(task.arn for task in launched)
        if launched:
            self._news.started(service, launched)
        if problem:
            self._news.not_placed(service, problem)
            self._wait(service, deployment, max(deployment.failed_tasks, FREE_FAILURES))

    def _stop(self, service: Service, tasks: Iterable[Task], reason: str) -> None:
        tasks = list(tasks)
        for task in tasks:
            if reason == UNHEALTHY:
                self._news.unhealthy(service, task)
            self._tasks.stop(task.arn, Change(stop_code=STOP_CODE, stopped_reason=reason))
        if tasks:
            self._news.stopped(service, tasks)

    # Failures

    def _judge(self, service: Service, deployment: Deployment, task: Task) -> None:
        """Decide whether a task of the deployment has succeeded or failed, once for each task."""
        if task.arn not in deployment.unproven:
            return
        if is_healthy(task):
            deployment.unproven.discard(task.arn)
            deployment.failed_tasks = 0
            return
        if is_wanted(task) and not is_unhealthy(task):
            return
        deployment.unproven.discard(task.arn)
        if task.stop_code in (STOP_CODE, "UserInitiated"):
            return
        deployment.failed_tasks += 1
        deployments.note_failure(service, deployment)
        if deployment.failed_tasks >= FREE_FAILURES and deployment is service.primary:
            self._wait(service, deployment, deployment.failed_tasks)

    def _wait(self, service: Service, deployment: Deployment, failures: int) -> None:
        """Launch no more tasks of the deployment for a while, longer after each failure."""
        delay = min(FIRST_WAIT * 2 ** min(failures - FREE_FAILURES, 10), LONGEST_WAIT)
        deployment.retry_at = self._tasks.clock.now() + delay
        self._news.impaired(service)
        self.look_soon(service, delay)

    def _fail(self, service: Service, *, rollback: bool, cause: str) -> None:
        """Give up the PRIMARY deployment and return to the last completed one, if that is wanted."""
        failed = service.primary
        restored = deployments.fail(service, self._tasks.clock.now(), rollback=rollback, cause=cause)
        self._news.deployment(service, failed, "FAILED")
        if restored is not None:
            self._news.rolling_back(service, restored)
            self._news.deployment(service, restored, "IN_PROGRESS")

    # The end of a pass

    def _settle(self, service: Service) -> None:
        by_deployment = {item.id: self._tasks_of(service, item) for item in service.deployments}
        service.deployments[1:] = [
            item for item in service.deployments[1:] if any(map(takes_room, by_deployment[item.id]))
        ]
        mine = by_deployment[service.primary.id]
        if service.status == DRAINING:
            if not service.living:
                service.status = INACTIVE
            return
        complete = (
            len(service.deployments) == 1
            and service.primary.status == PRIMARY
            and sum(map(is_healthy, mine)) == service.desired_count == sum(map(is_running, mine))
            and not any(takes_room(task) and not is_healthy(task) for task in mine)
        )
        if complete and service.primary.rollout_state == IN_PROGRESS:
            deployments.complete(service, self._tasks.clock.now())
            self._news.completed(service)
        if complete and not service.steady:
            self._news.steady(service)
        service.steady = complete
