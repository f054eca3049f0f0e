"""The calls about services: CreateService, UpdateService, DeleteService and those that only read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from local_cloud.ecs import tagging
from local_cloud.ecs.launch_request import find_cluster
from local_cloud.errors import AwsError, invalid
from local_cloud.services import documents, requests
from local_cloud.services.records import ACTIVE, DRAINING, INACTIVE, Service
from local_cloud.services.registrar import NoRegistrar
from local_cloud.services.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.ecs.catalog import Catalog
    from local_cloud.ecs.records import Task
    from local_cloud.ecs.rendering import WriteTime
    from local_cloud.services.events import ServiceEvent
    from local_cloud.services.records import Rollout
    from local_cloud.services.registrar import Registrar
    from local_cloud.services.scheduler import Tasks

OPERATIONS = (
    "CreateService",
    "DeleteService",
    "DescribeServiceDeployments",
    "DescribeServices",
    "ListServiceDeployments",
    "ListServices",
    "StopServiceDeployment",
    "UpdateService",
)
log = logging.getLogger("local_cloud")

MAX_DESCRIBED = 10
MAX_DEPLOYMENTS = 20
MAX_PAGE = 100


class Services:
    """The services of one account, in every region. The task plane's lock guards it.

    subscribe: the receiver of ECS Deployment State Change and ECS Service Action events.
    """

    def __init__(self, tasks: Tasks, catalog: Catalog, account: str) -> None:
        self._tasks = tasks
        self._catalog = catalog
        self._account = account
        self._services: dict[str, Service] = {}
        self._receivers: list[Callable[[ServiceEvent], None]] = []
        self._scheduler = Scheduler(tasks, NoRegistrar(), self._publish)

    # For the rest of the cloud

    def use_registrar(self, registrar: Registrar) -> None:
        """Register the tasks of services there from now on."""
        self._scheduler.registrar = registrar

    def subscribe(self, receive: Callable[[ServiceEvent], None]) -> None:
        """Call `receive` with every event from now on; it must be quick."""
        self._receivers.append(receive)

    def task_changed(self, task: Task) -> None:
        """Take note of a task's new state."""
        kind, _, name = task.group.partition(":")
        if kind == "service" and (task.started_by or "").startswith("ecs-svc/"):
            service = self._services.get(_arn(task.cluster_arn, name))
            if service is not None:
                try:
                    self._scheduler.task_changed(service, task)
                except Exception:
                    # The engine that tells of the change must not suffer for it.
                    log.exception("%s: the change of %s was not handled", service.arn, task.arn)

    def active_in(self, region: str, cluster: str) -> bool:
        """Whether the cluster has services that are not INACTIVE."""
        return any(
            item.region == region and item.cluster_name == cluster and item.status != INACTIVE
            for item in self._services.values()
        )

    def has(self, region: str, cluster: str, name: str) -> bool:
        """Whether there is such a service that is not INACTIVE."""
        return any(
            (item.region, item.cluster_name, item.name) == (region, cluster, name) and item.status != INACTIVE
            for item in self._services.values()
        )

    def pages(self, write_time: WriteTime) -> list[dict[str, Any]]:
        """Every service, for a person to read."""
        return [
            documents.service_document(item, self._tasks.started_by, write_time, tags=True)
            for item in self._services.values()
        ]

    def answer(
        self, operation: str, parameters: Mapping[str, Any], region: str, write_time: WriteTime
    ) -> dict[str, Any]:
        """Answer one of the operations; raises AwsError."""
        answers: dict[str, Callable[[Mapping[str, Any], str, WriteTime], dict[str, Any]]] = {
            "CreateService": self._create,
            "DeleteService": self._delete,
            "DescribeServiceDeployments": self._describe_deployments,
            "DescribeServices": self._describe,
            "ListServiceDeployments": self._list_deployments,
            "ListServices": self._list,
            "StopServiceDeployment": self._stop_deployment,
            "UpdateService": self._update,
        }
        return answers[operation](parameters, region, write_time)

    # Changing

    def _create(self, parameters: Mapping[str, Any], region: str, write_time: WriteTime) -> dict[str, Any]:
        cluster = find_cluster(parameters, self._catalog, region)
        name = requests.checked_name(parameters)
        if parameters.get("desiredCount") is None:
            raise invalid("desiredCount is required for the scheduling strategy REPLICA.")
        count = requests.checked_count(parameters["desiredCount"])
        arn = _arn(cluster.arn, name)
        existing, token = self._services.get(arn), parameters.get("clientToken")
        if existing is not None and existing.status == ACTIVE:
            if token and token == existing.client_token:
                return {"service": self._document(existing, write_time, tags=True)}
            raise invalid("Creation of service was not idempotent.")
        if existing is not None and existing.status == DRAINING:
            raise invalid("Unable to Start a service that is still Draining.")
        service = Service(
            arn=arn,
            name=name,
            region=region,
            account=self._account,
            cluster_arn=cluster.arn,
            cluster_name=cluster.name,
            created_at=self._tasks.clock.now(),
            settings=requests.new_settings(parameters, self._catalog, region),
            desired_count=count,
            client_token=token,
            tags=tagging.given_tags(parameters),
        )
        self._services[arn] = service
        self._scheduler.begin(service)
        return {"service": self._document(service, write_time, tags=True)}

    def _update(self, parameters: Mapping[str, Any], region: str, write_time: WriteTime) -> dict[str, Any]:
        service = self._find(parameters, region)
        if service.status != ACTIVE:
            raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
        settings = requests.changed_settings(service.settings, parameters, self._catalog, region)
        count = parameters.get("desiredCount")
        if count is not None:
            count = requests.checked_count(count)
            self._scheduler.scale(service, count)
        redeploy = parameters.get("forceNewDeployment") or requests.needs_deployment(
            service.settings, settings
        )
        service.settings = settings
        if redeploy:
            self._scheduler.begin(service)
        self._scheduler.look_soon(service)
        return {"service": self._document(service, write_time, tags=True)}

    def _delete(self, parameters: Mapping[str, Any], region: str, write_time: WriteTime) -> dict[str, Any]:
        service = self._find(parameters, region)
        if service.status == INACTIVE:
            # In botocore's model, DeleteService does not raise ServiceNotActiveException.
            raise AwsError("ServiceNotFoundException", "Service not found.")
        if service.desired_count > 0 and not parameters.get("force"):
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        service.status, service.desired_count = DRAINING, 0
        self._scheduler.look_soon(service)
        return {"service": self._document(service, write_time, tags=True)}

    def _stop_deployment(
        self, parameters: Mapping[str, Any], region: str, write_time: WriteTime
    ) -> dict[str, Any]:
        arn = str(parameters.get("serviceDeploymentArn") or "")
        found = self._find_rollout(arn, region)
        if found is None:
            raise AwsError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
        service, rollout = found
        if parameters.get("stopType", "ROLLBACK") != "ROLLBACK":
            raise invalid("The local cloud stops a service deployment by ROLLBACK only.")
        if rollout is not service.rollouts[-1] or rollout.finished_at is not None:
            raise AwsError("ConflictException", "The service deployment is not in progress.")
        self._scheduler.roll_back(service)
        return {"serviceDeploymentArn": arn}

    # Reading

    def _describe(self, parameters: Mapping[str, Any], region: str, write_time: WriteTime) -> dict[str, Any]:
        cluster = find_cluster(parameters, self._catalog, region)
        names = parameters.get("services") or []
        if not names:
            raise invalid("Services cannot be empty.")
        if len(names) > MAX_DESCRIBED:
            raise invalid(f"Services cannot have more than {MAX_DESCRIBED} elements.")
        tags = "TAGS" in (parameters.get("include") or ())
        found, failures = [], []
        for name in names:
            arn = _arn(cluster.arn, str(name).rsplit("/", 1)[-1])
            service = self._services.get(arn)
            if service is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(self._document(service, write_time, tags=tags))
        return {"services": found, "failures": failures}

    def _list(self, parameters: Mapping[str, Any], region: str, _write_time: WriteTime) -> dict[str, Any]:
        cluster = find_cluster(parameters, self._catalog, region)
        launch_type = parameters.get("launchType")
        arns = [
            item.arn
            for item in self._services.values()
            if item.cluster_arn == cluster.arn
            and item.status != INACTIVE
            and launch_type in (None, item.settings.get("launchType"))
        ]
        return _page("serviceArns", arns, parameters, default=10)

    def _list_deployments(
        self, parameters: Mapping[str, Any], region: str, write_time: WriteTime
    ) -> dict[str, Any]:
        service = self._find(parameters, region)
        statuses, created = parameters.get("status"), parameters.get("createdAt") or {}
        after, before = _seconds(created.get("after")), _seconds(created.get("before"))
        found = [
            documents.brief_document(service, item, write_time)
            for item in reversed(service.rollouts)
            if (not statuses or item.status in statuses)
            and (after is None or item.created_at >= after)
            and (before is None or item.created_at <= before)
        ]
        return _page("serviceDeployments", found, parameters, default=20)

    def _describe_deployments(
        self, parameters: Mapping[str, Any], region: str, write_time: WriteTime
    ) -> dict[str, Any]:
        arns = parameters.get("serviceDeploymentArns") or []
        if not 1 <= len(arns) <= MAX_DEPLOYMENTS:
            raise invalid(f"serviceDeploymentArns must have 1 to {MAX_DEPLOYMENTS} elements.")
        found, failures = [], []
        for arn in arns:
            known = self._find_rollout(arn, region)
            if known is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(documents.rollout_document(*known, self._tasks.started_by, write_time))
        return {"serviceDeployments": found, "failures": failures}

    # Tags

    def tags(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one of the operations about the tags of a service; raises AwsError."""
        service = self._services.get(str(parameters.get("resourceArn")))
        if service is None:
            raise invalid("The specified service does not exist. Specify a valid service and try again.")
        service.tags = tagging.changed_tags(operation, service.tags, parameters)
        return tagging.tags_document(operation, service.tags)

    # Finding

    def _find(self, parameters: Mapping[str, Any], region: str) -> Service:
        cluster = find_cluster(parameters, self._catalog, region)
        name = str(parameters.get("service") or "").rsplit("/", 1)[-1]
        service = self._services.get(_arn(cluster.arn, name))
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        return service

    def _find_rollout(self, arn: str, region: str) -> tuple[Service, Rollout] | None:
        for service in self._services.values():
            for rollout in service.rollouts:
                if rollout.arn == arn and service.region == region:
                    return service, rollout
        return None

    def _document(self, service: Service, write_time: WriteTime, *, tags: bool) -> dict[str, Any]:
        return documents.service_document(service, self._tasks.started_by, write_time, tags=tags)

    def _publish(self, event: ServiceEvent) -> None:
        for receive in self._receivers:
            receive(event)


def _arn(cluster_arn: str, name: str) -> str:
    return f"{cluster_arn.replace(':cluster/', ':service/')}/{name}"


def _seconds(time: Any) -> float | None:
    """A time in a request: a number over HTTP, a datetime in process."""
    return None if time is None else float(getattr(time, "timestamp", lambda: time)())


def _page(name: str, items: list[Any], parameters: Mapping[str, Any], *, default: int) -> dict[str, Any]:
    limit = parameters.get("maxResults") or default
    if not 1 <= limit <= MAX_PAGE:
        raise invalid(f"maxResults must be between 1 and {MAX_PAGE}.")
    token = str(parameters.get("nextToken") or 0)
    if not token.isdecimal():
        raise invalid("Invalid token")
    start = int(token)
    page: dict[str, Any] = {name: items[start : start + limit]}
    if start + limit < len(items):
        page["nextToken"] = str(start + limit)
    return page
