"""The installed Airflow's side of the contract tests: what its scheduler does, on a simulated cluster."""

from __future__ import annotations

import datetime as dt
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.executors import executor_loader
from airflow.models.taskinstancekey import TaskInstanceKey

from airflow_fargate.airflow_versions import RELEASE
from airflow_fargate.executor import load_hook
from airflow_fargate.fleet.fleet import Fleet
from scenarios.world import Seconds, World

if TYPE_CHECKING:
    from airflow_fargate.settings.config import FargateConfig
    from local_cloud import Behaviour

COMMANDS = RELEASE < (3,)


def forget_executors() -> None:
    """Make Airflow's loader read `[core] executor` again, because it keeps the first test's value."""
    for name, kept in vars(executor_loader).items():
        if name.startswith("_") and not name.startswith("__") and isinstance(kept, (dict, list)):
            kept.clear()


def filled(table: Any, **given: Any) -> dict[str, Any]:
    """Return a valid row for the table, with made-up values for other required columns."""
    from sqlalchemy import Boolean, DateTime, Integer, String  # noqa: PLC0415  comes with Airflow

    made: dict[str, Any] = {"working_set": None if given.get("earlier") else True}
    for column in table.columns:
        required = not column.nullable and column.default is None and column.server_default is None
        inner = getattr(column.type, "impl", column.type)
        if not (required or column.name in {"id", "task_instance_id"}):
            continue
        if isinstance(inner, Integer):
            if not column.primary_key:
                made[column.name] = 0
        elif isinstance(inner, Boolean):
            made[column.name] = False
        elif isinstance(inner, String):
            made[column.name] = str(uuid.uuid4())
        else:
            now = dt.datetime.now(tz=dt.timezone.utc)
            made[column.name] = now if isinstance(inner, DateTime) else uuid.uuid4()
    return {name: value for name, value in (made | given).items() if name in table.columns}


class _Unthreaded(Fleet):
    """An executor whose threads are stepped by the test."""

    def start(self) -> None:
        """Start nothing."""


class Task:
    """A task instance, as one scheduler queues it and a new one reads it from the database.

    Args:
        changes: attributes that differ from the defaults.
    """

    def __init__(self, **changes: Any) -> None:
        self.fields: dict[str, Any] = {
            "id": uuid.uuid4(),
            "dag_version_id": uuid.uuid4(),
            "task_id": "task",
            "dag_id": "dag",
            "run_id": "run",
            "try_number": 1,
            "map_index": -1,
            "pool_slots": 1,
            "queue": "default",
            "priority_weight": 1,
            "executor_config": None,
            "external_executor_id": str(uuid.uuid4()) if RELEASE >= (3, 2, 2) else None,
        } | changes

    @property
    def key(self) -> TaskInstanceKey:
        names = ("dag_id", "task_id", "run_id", "try_number", "map_index")
        return TaskInstanceKey(*(self.fields[name] for name in names))

    @property
    def command(self) -> list[str]:
        """Return the CLI command, as ``TaskInstance.command_as_list(local=True)`` does."""
        return [
            "airflow",
            "tasks",
            "run",
            *(self.fields[name] for name in ("dag_id", "task_id", "run_id")),
            "--local",
        ]

    @property
    def row(self) -> Any:
        """Return the task instance with the attributes that the scheduler reads."""
        now = dt.datetime.now(tz=dt.timezone.utc)
        return SimpleNamespace(
            **{"state": "queued", "queued_dttm": now} | self.fields,
            key=self.key,
            command_as_list=lambda **_: self.command,
            context_carrier=None,
            dag_model=SimpleNamespace(relative_fileloc="dag.py", bundle_name="dags-folder", pickle_id=None),
            dag_run=SimpleNamespace(bundle_version="v7", context_carrier=None, created_dag_version=None),
        )

    @property
    def workload(self) -> Any:
        """Return the workload, as ``ExecuteTask.make`` does."""
        from airflow.executors import workloads  # noqa: PLC0415  Airflow 3 only

        model = getattr(workloads, "TaskInstanceDTO", None) or workloads.TaskInstance
        known = {name: value for name, value in self.fields.items() if name in model.model_fields}
        return workloads.ExecuteTask(
            ti=model(**known),
            dag_rel_path="dag.py",
            token="queued-token",
            log_path="dag/task.log",
            bundle_info=workloads.BundleInfo(name="dags-folder"),
        )


def callback(name: str = "alert") -> Any:
    """Return a deadline's callback, as ``ExecuteCallback.make`` does (3.2 and later)."""
    from airflow.executors import workloads  # noqa: PLC0415  Airflow 3 only
    from airflow.executors.workloads.callback import CallbackDTO  # noqa: PLC0415  3.2 and later

    own_id = str(uuid.uuid4())
    return workloads.ExecuteCallback(
        callback=CallbackDTO(
            id=own_id, fetch_method="import_path", data={"path": f"alerts.{name}", "kwargs": {}}
        ),
        dag_rel_path="dag.py",
        token="queued-token",
        log_path=f"executor_callbacks/dag/run/{own_id}",
        bundle_info=workloads.BundleInfo(name="dags-folder"),
    )


def connection_test() -> Any:
    """Return a connection test, as its ``make`` does (3.3 and later)."""
    from airflow.executors import workloads  # noqa: PLC0415  Airflow 3 only

    return workloads.TestConnection.make(
        connection_test_id=uuid.uuid4(), connection_id="warehouse", timeout=60, queue="big"
    )


class Scheduler:
    """Calls the executor in the order of ``SchedulerJobRunner``: start, heartbeat, events.

    Args:
        default: how containers behave.
        previous: the scheduler whose cluster it shares.
    """

    def __init__(self, default: Behaviour | None = None, previous: Scheduler | None = None) -> None:
        self.world: World = previous.world if previous else World(default)
        forget_executors()
        self.executor = executor_loader.ExecutorLoader.load_executor("airflow_fargate.FargateExecutor")
        self.executor._build_fleet = self._build_fleet
        self.executor.start()
        self.events: list[tuple[Any, Any, Any]] = []

    def _build_fleet(self, config: FargateConfig) -> Fleet:
        world = self.world
        clients = {"ecs": world.plane.client("ecs"), "sqs": world.sqs, "s3": world.s3, "logs": world.logs}
        hook = load_hook(config.execution_config_function)
        world.fleet = _Unthreaded(config, clients.__getitem__, Seconds(world.clock), hook)
        return world.fleet

    def queue(self, *tasks: Task) -> None:
        """Queue a task as this release does: a command up to 2.11, a workload since 3.0."""
        for task in tasks:
            if COMMANDS:
                self.executor.queue_command(
                    task.row,
                    task.command,
                    priority=task.fields["priority_weight"],
                    queue=task.fields["queue"],
                )
            else:
                self.executor.queue_workload(task.workload, session=None)

    def heartbeat(self) -> dict[Any, tuple[Any, Any]]:
        """Run the scheduler's loop once: a heartbeat, then its events, which it commits."""
        self.executor.heartbeat()
        told = dict(self.executor.get_event_buffer())
        self.events += [(key, *value) for key, value in told.items()]
        return told

    def loop(self) -> None:
        """Run the loop once, then let the threads run."""
        self.heartbeat()
        self.world.step(sync=False)

    def launch(self) -> Any:
        """Loop until the queued task is launched; return the only task of the cluster."""
        self.loop()
        if not self.world.plane.tasks():
            self.loop()  # before 3.2.2 the launch id is recorded first
        (task,) = self.world.plane.tasks()
        return task

    def run(self, seconds: int) -> None:
        """Loop once a second."""
        for _ in range(seconds):
            self.loop()
            self.world.clock.advance(1)
        self.loop()
        self.loop()

    def states(self) -> list[str]:
        """Return the reported states in order, without the event of the launch ID."""
        return [str(getattr(state, "value", state)) for _, state, _ in self.told()]

    def told(self) -> list[tuple[Any, Any, Any]]:
        """Return the events without those that only record a launch ID (before 3.2.2)."""
        return [each for each in self.events if not _is_uuid(each[2])]


def _is_uuid(text: Any) -> bool:
    try:
        uuid.UUID(text)
    except (TypeError, ValueError, AttributeError):
        return False
    return True
