"""A BaseExecutor that works alike on every release: workloads arrive at :meth:`take`."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.executors.base_executor import BaseExecutor
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.utils.state import TaskInstanceState

from airflow_fargate.airflow_versions.releases import (
    ASSIGNS_IDS,
    QUEUES_WORKLOADS,
    RUNS_OTHER_WORKLOADS,
    TAKES_COMMANDS,
    TYPES_WORKLOADS,
)
from airflow_fargate.airflow_versions.work import key_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_fargate.tasks.launch import Launch

log = logging.getLogger(__name__)


class VersionedExecutor(BaseExecutor):
    """Translates the calls of a release's scheduler into :meth:`take`, and back.

    Before 3.2.2 Airflow stores no id with QUEUED, so :meth:`when_recorded` stores one before the launch.
    """

    pre_assigns_external_executor_id: ClassVar[bool] = True
    supports_multi_team: ClassVar[bool] = True
    supports_ad_hoc_ti_run: ClassVar[bool] = True
    supports_pickling: ClassVar[bool] = False
    is_production: ClassVar[bool] = True
    serve_logs: ClassVar[bool] = False
    if TYPES_WORKLOADS:
        from airflow.executors.workloads import WorkloadType  # noqa: PLC0415  3.4 only

        supported_workload_types = frozenset(
            {WorkloadType.EXECUTE_TASK, WorkloadType.EXECUTE_CALLBACK, WorkloadType.TEST_CONNECTION}
        )
    else:
        supports_callbacks: ClassVar[bool] = RUNS_OTHER_WORKLOADS
        supports_connection_test: ClassVar[bool] = RUNS_OTHER_WORKLOADS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unrecorded: dict[Any, Callable[[], None]] = {}
        # Task instance -> its try that is queued here.
        self._queued_tries: dict[Any, Any] = {}
        self.ids_are_assigned = ASSIGNS_IDS

    # --- for the executor ----------------------------------------------------------------------------------

    def take(self, items: Sequence[Any]) -> None:
        """Take the items that have a slot; remove each with :meth:`dequeue_item`."""
        raise NotImplementedError

    def superseded(self, subject: Any, key: Any) -> None:
        """Drop earlier tries of a task instance, because a later one is queued."""
        for earlier in [each for each in self._unrecorded if each != key and subject_of(each) == subject]:
            self.forget(earlier)

    def dequeue_item(self, item: Any) -> Any:
        """Remove an item from its queue; return its key, or None if it is not queued."""
        try:
            key = key_of(item)
        except Exception:
            # An item without a key must not stay in the queue for ever.
            log.exception("A workload has no key and is dropped: %r", item)
            queues = self._queues()
            key = next((key for queue in queues for key, each in queue.items() if each is item), None)
        self._queued_tries.pop(subject_of(key), None)
        found = [queue.pop(key, None) for queue in self._queues()]
        return key if any(each is not None for each in found) else None

    def dequeue(self, key: Any) -> None:
        """Remove a key from every queue."""
        for queue in self._queues():
            queue.pop(key, None)

    def when_recorded(self, work: Launch, launch: Callable[[], None]) -> None:
        """Launch when the launch id is in Airflow's database, where the next scheduler looks for it.

        If Airflow stored it with QUEUED, launch now. Otherwise send the scheduler an event with the id, which
        it commits right after this heartbeat, and launch at the next heartbeat. So a task without an id in
        the database was never launched.
        """
        if work.id_is_recorded:
            launch()
            return
        self.change_state(work.key, TaskInstanceState.QUEUED, work.launch_id, remove_running=False)
        self._unrecorded[work.key] = launch

    def forget(self, key: Any) -> None:
        """Drop a task, so that it is not launched."""
        self.dequeue(key)
        self._unrecorded.pop(key, None)
        self.running.discard(key)

    def tell_started(self, key: Any, arn: str) -> None:
        """Report to Airflow that it runs; for a task with the ARN as its ``external_executor_id``."""
        if isinstance(key, TaskInstanceKey):
            self.change_state(key, TaskInstanceState.QUEUED, arn, remove_running=False)
        else:
            self.running_state(key, arn)

    def section(self, name: str) -> tuple[Mapping[str, Any], Callable[[str], Any]]:
        """Return the options that are set in a section, and a function that reads one; a team has its own."""
        from airflow.configuration import conf as everyones  # noqa: PLC0415  late, as Airflow does

        conf = getattr(self, "conf", everyones)  # teams: 3.1 and later
        listed = getattr(conf, "getsection", everyones.getsection)  # of a team: 3.2 and later
        # Airflow does not list variables of undeclared options (up to 3.2), nor those of a team without a
        # section in the file, so a misspelled variable would go unnoticed.
        prefixes = [f"AIRFLOW__{name.upper()}__"]
        if team := getattr(self, "team_name", None):
            prefixes.append(f"AIRFLOW__{team.upper()}___{name.upper()}__")
        ours = [
            each.removeprefix(prefix).lower()
            for prefix in prefixes
            for each in os.environ
            if each.startswith(prefix)
        ]
        given = {each.removesuffix("_cmd").removesuffix("_secret"): "" for each in ours}
        present = {**given, **(listed(name) or {})}
        return present, lambda option: conf.get(name, option, fallback=None)

    def token_generator(self) -> Any:
        """Return the generator of the workloads' tokens; None for releases without tokens."""
        return getattr(self, "jwt_generator", None)

    # --- for Airflow ---------------------------------------------------------------------------------------

    def heartbeat(self) -> None:
        """Launch the tasks whose id was stored after the last heartbeat, then call Airflow's heartbeat."""
        for key in [key for key in self._unrecorded if key not in self.event_buffer]:
            self._unrecorded.pop(key)()
        super().heartbeat()

    def note_queued(self, key: Any) -> None:
        """Record a queued try, and drop earlier tries of its task instance."""
        subject = subject_of(key)
        earlier = self._queued_tries.get(subject)
        self._queued_tries[subject] = key
        if earlier is not None and earlier != key:
            self.forget(earlier)
        self.superseded(subject, key)

    if hasattr(BaseExecutor, "queue_command"):

        def queue_command(self, task_instance: Any, *args: Any, **kwargs: Any) -> None:
            """Queue a command (2.11)."""
            super().queue_command(task_instance, *args, **kwargs)
            self.note_queued(task_instance.key)

    if TAKES_COMMANDS:

        def _process_tasks(self, task_tuples: Sequence[tuple[Any, ...]]) -> None:
            self.take([self.queued_tasks[key] for key, *_ in task_tuples])

    else:

        def queue_workload(self, workload: Any, session: Any) -> None:
            """Queue a workload; the base class of 3.0 rejects all of them."""
            if QUEUES_WORKLOADS:
                super().queue_workload(workload, session)
            else:
                self.queued_tasks[workload.ti.key] = workload
            if hasattr(workload, "ti"):
                self.note_queued(workload.ti.key)

        def _process_workloads(self, workloads: Sequence[Any]) -> None:
            self.take(workloads)

    def _queues(self) -> list[dict[Any, Any]]:
        if TYPES_WORKLOADS:
            return list(self.executor_queues.values())
        names = ("queued_tasks", "queued_callbacks", "queued_connection_tests")
        return [getattr(self, name) for name in names if hasattr(self, name)]
