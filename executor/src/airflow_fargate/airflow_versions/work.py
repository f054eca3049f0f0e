"""One type for everything that Airflow queues: a workload since 3.0, a CLI command before."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_fargate.airflow_versions.releases import AIRFLOW_VERSION
from airflow_fargate.tasks.launch import TaskIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

PAYLOAD_FORMAT = 1
BEFORE_EVERY_TASK = 2**31
"""Priority of callbacks and connection tests, which Airflow schedules before tasks."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class Work:
    """One thing to run in its own container.

    Args:
        key: Airflow's key.
        launch_id: its UUID if it has one; if empty, a new one is made.
        priority: Airflow's priority weight; higher first.
        queue: the queue, whose profile applies; empty if it has none.
        executor_config: the task's own options.
        command: the CLI command, for releases that use one.

    ``id_is_recorded`` is True if another scheduler finds the launch id in Airflow's database, or needs none.
    """

    __slots__ = ("command", "executor_config", "id_is_recorded", "key", "launch_id", "priority", "queue")

    def __init__(  # noqa: PLR0913, PLR0917  one argument per fact
        self,
        key: Hashable,
        launch_id: str,
        priority: int,
        queue: str | None,
        executor_config: Any = None,
        command: tuple[str, ...] | None = None,
    ) -> None:
        self.key, self.priority, self.queue = key, priority, queue or ""
        self.executor_config, self.command = executor_config, command
        self.id_is_recorded = is_launch_id(launch_id)
        self.launch_id = launch_id if self.id_is_recorded else str(uuid.uuid4())

    takes_standby: ClassVar[bool] = False
    """Whether a standby container may run it: callbacks and connection tests are too few."""

    def identity(self) -> TaskIdentity:
        """Return who it is, for people."""
        raise NotImplementedError

    def document(self, generator: Any) -> Callable[[], str] | None:
        """Return a function that makes the payload document, or None if there is a command.

        The token is made when the function is called, because it expires ``[scheduler] task_queued_timeout``
        later: a launch that waited for capacity would start with an expired token.
        """
        raise NotImplementedError


def key_of(item: Any) -> Hashable:
    """Return Airflow's key of a workload, or of the tuple (command, priority, queue, task instance)."""
    owner = item[3] if isinstance(item, tuple) else getattr(item, "ti", item)
    key: Hashable = owner.key
    return key


def work_of(item: Any, launch_id: str = "", *, id_is_assigned: bool = False) -> Work:
    """Return the work of an item from the base class.

    Args:
        item: a workload, or the tuple (command, priority, queue, task instance).
        launch_id: its launch id if it has one that is not in the item.
        id_is_assigned: whether Airflow assigned the item's id for this launch. Otherwise the id belongs to an
            earlier launch: before the task was deferred, or by another executor.
    """
    if isinstance(item, tuple):
        return CommandWork(item, launch_id)
    if hasattr(item, "ti"):
        return TaskWork(item, launch_id or (id_is_assigned and item.ti.external_executor_id) or "")
    return OtherWork(item)


class TaskWork(Work):
    """A task as a workload (3.0 and later)."""

    __slots__ = ("_workload",)
    takes_standby: ClassVar[bool] = True

    def __init__(self, workload: Any, launch_id: str = "") -> None:
        self._workload, ti = workload, workload.ti
        super().__init__(ti.key, launch_id, ti.priority_weight, ti.queue, ti.executor_config)

    def identity(self) -> TaskIdentity:
        """Return the task instance."""
        ti = self._workload.ti
        return TaskIdentity(ti.dag_id, ti.task_id, ti.run_id, ti.try_number, ti.map_index)

    def document(self, generator: Any) -> Callable[[], str]:
        """Return a function that makes the payload of the workload."""
        return lambda: _document(self, self._workload, str(self._workload.ti.id), generator)


class OtherWork(Work):
    """A callback or a connection test. Its key is a UUID, and it runs at most once."""

    __slots__ = ("_workload",)

    def __init__(self, workload: Any) -> None:
        self._workload = workload
        super().__init__(workload.key, str(workload.key), BEFORE_EVERY_TASK, getattr(workload, "queue", None))

    def identity(self) -> TaskIdentity:
        """Return its DAG and run, as far as they are known."""
        # log_path is executor_callbacks/<dag>/<run>/<id>; a connection test has none.
        _, dag_id, *run_id, _ = (getattr(self._workload, "log_path", None) or "//").split("/")
        run = "/".join(run_id) or self.launch_id
        return TaskIdentity(dag_id or self._workload.type, self._workload.display_name, run, 1)

    def document(self, generator: Any) -> Callable[[], str]:
        """Return a function that makes the payload of the workload."""
        return lambda: _document(self, self._workload, self.launch_id, generator)


class CommandWork(Work):
    """A task as ``airflow tasks run ...`` (2.11)."""

    __slots__ = ()

    def __init__(self, item: tuple[Any, Any, Any, Any], launch_id: str = "") -> None:
        command, priority, queue, ti = item
        super().__init__(ti.key, launch_id, priority, queue, ti.executor_config, tuple(command))

    def identity(self) -> TaskIdentity:
        """Return the task instance."""
        key: Any = self.key
        return TaskIdentity(key.dag_id, key.task_id, key.run_id, key.try_number, key.map_index)

    def document(self, generator: Any) -> None:
        """Return None, because the command is complete."""


def _document(work: TaskWork | OtherWork, workload: Any, subject: str, generator: Any) -> str:
    content = json.loads(workload.model_dump_json())
    if generator is not None:
        make = getattr(type(workload), "generate_token", None)  # 3.2 and later
        content["token"] = make(subject, generator) if make else generator.generate({"sub": subject})
    return json.dumps(
        {
            "format": PAYLOAD_FORMAT,
            "airflow_version": AIRFLOW_VERSION,
            "launch_id": work.launch_id,
            "key": str(work.identity()),
            "workload": content,
        },
        separators=(",", ":"),
    )


def subject_of(key: Any) -> Hashable:
    """Return the part of the key that all tries of a task instance share; the key itself for others."""
    subject: Hashable = getattr(key, "primary", key)  # dag_id, task_id, run_id, map_index
    return subject


def is_launch_id(text: str) -> bool:
    """Say whether an ``external_executor_id`` is a launch id (a UUID) rather than an ARN."""
    return _UUID.fullmatch(text) is not None


def statistics() -> Any:
    """Return Airflow's statistics client, with ``incr``, ``timing`` and ``gauge`` that take tags."""
    try:
        from airflow.sdk.observability import stats  # noqa: PLC0415  3.2 and later
    except ImportError:
        from airflow.stats import Stats as stats  # noqa: N813, PLC0415  before
    # From 3.3 on, the module has these functions; in 3.2 its class does.
    return stats if hasattr(stats, "gauge") else stats.Stats
