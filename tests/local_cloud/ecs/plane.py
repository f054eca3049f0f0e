"""The task plane: RunTask, StopTask, DescribeTasks and ListTasks over a table of tasks and an engine.

It also has the account's services, whose scheduler launches and stops tasks by `run` and `stop`.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.clock import ManualClock
from local_cloud.ecs import lifecycle, tagging
from local_cloud.ecs.catalog import StaticCatalog
from local_cloud.ecs.client_tokens import ClientTokens
from local_cloud.ecs.launch_request import LaunchRequest, find_cluster, parse_launch_request
from local_cloud.ecs.launching import ProviderChooser, new_task
from local_cloud.ecs.lifecycle import STOPPED, Change
from local_cloud.ecs.records import Failure, Task, evolve
from local_cloud.ecs.rendering import as_datetime, failure_document, task_document
from local_cloud.ecs.task_table import TaskTable
from local_cloud.errors import AwsError, invalid
from local_cloud.events.task_events import task_event
from local_cloud.fast_json import fingerprint
from local_cloud.faults.injection import Faults, throttled
from local_cloud.services.calls import OPERATIONS as SERVICE_OPERATIONS
from local_cloud.services.calls import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.clock import Clock
    from local_cloud.ecs.catalog import Catalog
    from local_cloud.ecs.engine import Engine
    from local_cloud.ecs.rendering import WriteTask, WriteTime
    from local_cloud.events.task_events import TaskEvent

RETENTION = 3600.0  # seconds a stopped task stays visible
MAX_DESCRIBED = 100
WITH_TAGS = True
TASK_OPERATIONS = ("RunTask", "StopTask", "DescribeTasks", "ListTasks")
OPERATIONS = (*TASK_OPERATIONS, *SERVICE_OPERATIONS, *tagging.OPERATIONS)


@dataclass(frozen=True)
class Reply:
    """The answer to a call, for whoever carries it: after `delay` seconds, or never when it is lost."""

    document: dict[str, Any]
    error: AwsError | None = None
    delay: float = 0.0
    lost: bool = False


class TaskPlane:
    """ECS's calls about tasks and services for one account, in every region.

    engine: what runs the tasks. clock: a ManualClock unless given. catalog: where clusters and definitions
    are; a StaticCatalog to be filled by hand unless given. faults: what goes wrong; nothing unless given or
    changed later through `plane.faults`. seed: makes every id repeatable. history: how many tasks that the
    API no longer shows `tasks()` still does.

    `call` answers one operation; `client("ecs")` and `client("sqs")` give objects with boto3's methods;
    `subscribe` gets the events. Safe to use from several threads.
    """

    def __init__(  # noqa: PLR0913 - the parts a plane is made of, each with a default
        self,
        engine: Engine,
        *,
        clock: Clock | None = None,
        catalog: Catalog | None = None,
        faults: Faults | None = None,
        account: str = "123456789012",
        seed: int | None = 0,
        history: int = 100_000,
    ) -> None:
        self.clock: Clock = clock if clock is not None else getattr(engine, "clock", None) or ManualClock()
        self.catalog: Catalog = catalog if catalog is not None else StaticCatalog(account)
        self.faults = faults if faults is not None else Faults(self.clock, seed=seed or 0)
        self.account = account
        self.calls: Counter[str] = Counter()
        self._engine = engine
        self.random = random.Random(seed) if seed is not None else random.SystemRandom()  # noqa: S311
        self._table = TaskTable(history)
        self._providers = ProviderChooser()
        self._tokens = ClientTokens()
        self._stop_sent: set[str] = set()
        self._subscribers: list[Callable[[TaskEvent], None]] = []
        self.lock = threading.RLock()
        self.services = Services(self, self.catalog, account)
        engine.bind(self)

    # Events and inspection

    def subscribe(self, receive: Callable[[TaskEvent], None]) -> None:
        """Call `receive` with every event from now on, in the thread that caused it; it must be quick."""
        self._subscribers.append(receive)

    def deliver_through(self, carry: Callable[[TaskEvent, Callable[[TaskEvent], None]], None]) -> None:
        """Put a carrier between the plane and those who subscribed so far.

        `carry(event, receive)` is called for each event and each of them; it calls `receive(event)` when, as
        often, and if it likes.
        """

        def carried(receive: Callable[[TaskEvent], None]) -> Callable[[TaskEvent], None]:
            return lambda event: carry(event, receive)

        self._subscribers[:] = [carried(receive) for receive in self._subscribers]

    def task(self, arn: str) -> Task | None:
        """The task as it is now, or None when there is none or it has been forgotten."""
        return self._table.get(arn)

    def tasks(self) -> tuple[Task, ...]:
        """Every task ever launched, in order, those forgotten by the API included."""
        with self.lock:
            return self._table.history()

    def living(self) -> tuple[Task, ...]:
        """Every task that has not stopped."""
        with self.lock:
            return self._table.living()

    def client(self, service: str, region: str = "us-east-1", **options: Any) -> Any:
        """An object with boto3's method names for "ecs" or "sqs"; see `local_cloud.ecs.client`."""
        from local_cloud.ecs.client import make_client  # noqa: PLC0415 - botocore is loaded only where it is used

        return make_client(self, service, region, **options)

    # What engines tell

    def progress(self, arn: str, change: Change) -> Task:
        """Note what happened to a task, and send the event; stale changes are no-ops.

        Raises KeyError for a task nobody launched.
        """
        with self.lock:
            before = self._table.get(arn)
            if before is None:
                raise KeyError(arn)
            after = lifecycle.apply(before, change, self.clock.now())
            if after is before:
                return before
            self._table.put(after)
            self._emit(after)
            self.services.task_changed(after)
            if after.last_status == STOPPED:
                self.clock.call_later(RETENTION, lambda: self._forget(arn))
            return after

    def _forget(self, arn: str) -> None:
        with self.lock:
            task = self._table.forget(arn)
            self._stop_sent.discard(arn)
            if task is not None:
                self._tokens.forget(task)

    def change_all(self, change: Change, chosen: Callable[[Task], bool]) -> int:
        """Make the same change to every living task that is chosen (a Spot shortage); returns how many."""
        with self.lock:
            arns = [task.arn for task in self._table.living() if chosen(task)]
            for arn in arns:
                self._end(self.progress(arn, change))
            return len(arns)

    def kill(self, arn: str, container: str | None = None) -> None:
        """Kill a container of a task, the first essential one unless named; raises ValueError."""
        task = self._table.get(arn)
        if task is None or task.last_status == STOPPED:
            raise ValueError(f"There is no task {arn} that has not stopped.")
        names = [item.name for item in task.containers if container in (None, item.name)]
        if not names:
            raise ValueError(f"Task {arn} has no container {container!r}.")
        essential = [item.name for item in task.containers if item.essential and item.name in names]
        self._engine.kill(task, (essential or names)[0])

    # What the service scheduler asks

    def run(self, parameters: Mapping[str, Any], region: str) -> tuple[list[Task], list[Failure]]:
        """Launch tasks as RunTask does; raises AwsError."""
        with self.lock:
            return self._launch(parse_launch_request(parameters, self.catalog, region), region)

    def stop(self, arn: str, change: Change) -> None:
        """Stop a task; the change says why."""
        with self.lock:
            self._end(self.progress(arn, change))

    def started_by(self, name: str) -> tuple[Task, ...]:
        """The tasks with that `startedBy` that the API still shows."""
        with self.lock:
            return self._table.started_by(name)

    # Calls

    def call(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        region: str = "us-east-1",
        write_time: WriteTime = as_datetime,
        write_task: WriteTask | None = None,
    ) -> Reply:
        """Answer one of OPERATIONS, with the faults in force; errors are in the reply, not raised.

        write_time: how the answer writes times. write_task: how it writes a task, with or without its tags.
        """
        write = write_task or (lambda task, tags: task_document(task, write_time, tags=tags))
        with self.lock:
            self.calls[operation] += 1
            verdict = self.faults.judge(operation, parameters)
            if not verdict.done:
                return Reply({}, verdict.error, verdict.delay)
            try:
                document = self._answer(operation, parameters, region, write_time, write)
            except AwsError as error:
                return Reply({}, verdict.error or error, verdict.delay, verdict.lost)
            return Reply(document, verdict.error, verdict.delay, verdict.lost)

    def _answer(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        region: str,
        write_time: WriteTime,
        write: WriteTask,
    ) -> dict[str, Any]:
        if operation in tagging.OPERATIONS:
            return self._tags(operation, parameters)
        if operation in SERVICE_OPERATIONS:
            return self.services.answer(operation, parameters, region, write_time)
        if operation == "RunTask":
            return self._run_task(parameters, region, write)
        if operation == "StopTask":
            return self._stop_task(parameters, region, write)
        if operation == "DescribeTasks":
            return self._describe_tasks(parameters, region, write)
        if operation == "ListTasks":
            return self._list_tasks(parameters, region)
        raise AwsError("UnknownOperationException", f"The task plane does not answer {operation}.")

    def _run_task(self, parameters: Mapping[str, Any], region: str, write: WriteTask) -> dict[str, Any]:
        token = parameters.get("clientToken")
        cluster = find_cluster(parameters, self.catalog, region)
        print_of = fingerprint({**parameters, "clientToken": ""}) if token else b""
        if token:
            known = self._tokens.find(cluster.arn, token, print_of, self._table, self.clock.now())
            if known:
                return {"tasks": [_known(task, write) for task in known], "failures": []}
        request = parse_launch_request(parameters, self.catalog, region)
        tasks, failures = self._launch(request, region)
        if token and tasks:
            self._tokens.remember(token, print_of, tasks, self.clock.now())
        return {
            "tasks": [write(task, WITH_TAGS) for task in tasks],
            "failures": [failure_document(failure) for failure in failures],
        }

    def _launch(self, request: LaunchRequest, region: str) -> tuple[list[Task], list[Failure]]:
        tasks: list[Task] = []
        failures: list[Failure] = []
        for provider in self._providers.choose(request):
            reason = self.faults.refuses_capacity(provider or request.launch_type)
            if reason is not None:
                failures.append(Failure(reason))
                continue
            if not self.faults.admits_launch(provider or request.launch_type):
                if not tasks:
                    raise throttled()
                failures.append(Failure("Rate exceeded"))
                continue
            task = new_task(request, provider, region, self.account, self.clock.now(), self.random)
            self._table.put(task)
            tasks.append(task)
            self._emit(task)
            self._engine.launch(task, request.definition)
        # The answer shows the tasks as they were created, whatever the engine has done to them since.
        return tasks, failures

    def _stop_task(self, parameters: Mapping[str, Any], region: str, write: WriteTask) -> dict[str, Any]:
        cluster = find_cluster(parameters, self.catalog, region)
        arn = self._arn(str(parameters.get("task") or ""), cluster.arn)
        task = self._table.get(arn)
        if task is None:
            raise invalid("The referenced task was not found.")
        reason = parameters.get("reason") or "Task stopped by user"
        task = self.progress(arn, Change(stop_code="UserInitiated", stopped_reason=reason))
        self._end(task)
        return {"task": write(task, WITH_TAGS)}

    def _describe_tasks(self, parameters: Mapping[str, Any], region: str, write: WriteTask) -> dict[str, Any]:
        cluster = find_cluster(parameters, self.catalog, region)
        references = parameters.get("tasks") or []
        if not references:
            raise invalid("Tasks cannot be empty.")
        if len(references) > MAX_DESCRIBED:
            raise invalid(f"Tasks cannot have more than {MAX_DESCRIBED} elements.")
        tags = "TAGS" in (parameters.get("include") or ())
        documents, failures = [], []
        for reference in references:
            arn = self._arn(reference, cluster.arn)
            task = self._table.get(arn)
            if task is None or not self.faults.sees(task):
                failures.append(failure_document(Failure("MISSING", arn)))
            else:
                documents.append(write(task, tags))
        return {"tasks": documents, "failures": failures}

    def _list_tasks(self, parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
        cluster = find_cluster(parameters, self.catalog, region)
        arns, next_token = self._table.page(cluster.arn, parameters, self.faults.sees)
        return {"taskArns": arns, **({"nextToken": next_token} if next_token else {})}

    def _tags(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = str(parameters.get("resourceArn"))
        if ":service/" in arn:
            return self.services.tags(operation, parameters)
        task = self._table.get(arn)
        if task is None:
            raise invalid("The specified task does not exist. Specify a valid task and try again.")
        tags = tagging.changed_tags(operation, dict(task.tags), parameters)
        self._table.put(evolve(task, {"tags": tuple(tags.items())}))
        return tagging.tags_document(operation, tags)

    def _arn(self, reference: str, cluster_arn: str) -> str:
        prefix = cluster_arn.replace(":cluster/", ":task/")
        if not reference.startswith("arn:"):
            return f"{prefix}/{reference}"
        named = reference.rsplit("/", 1)[0]
        if named != prefix:
            raise invalid(
                "Invalid identifier: Identifier is for cluster "
                f"{named.rsplit('/', 1)[-1]}. Your cluster is {prefix.rsplit('/', 1)[-1]}"
            )
        return reference

    def _end(self, task: Task) -> None:
        if task.last_status != STOPPED and task.arn not in self._stop_sent:
            self._stop_sent.add(task.arn)
            self._engine.stop(task)

    def _emit(self, task: Task) -> None:
        if not self._subscribers:
            return
        event = task_event(task, self.clock.now(), self.random)
        for delay in self.faults.deliveries():
            if delay > 0:
                self.clock.call_later(delay, lambda: self._deliver(event))
            else:
                self._deliver(event)

    def _deliver(self, event: TaskEvent) -> None:
        for receive in self._subscribers:
            receive(event)


def _known(task: Task, write: WriteTask) -> Any:
    """A task that its token has launched before; of a stopped one ECS says no more than this."""
    if task.last_status == STOPPED:
        return {"taskArn": task.arn, "lastStatus": STOPPED}
    return write(task, WITH_TAGS)
