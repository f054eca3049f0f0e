"""Airflow's BaseExecutor as if there were one: whatever the release, work arrives at :meth:`take`."""

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
    """What a release's scheduler calls, turned into :meth:`take`, and back.

    Before 3.2.2 Airflow records no id with QUEUED: :meth:`when_recorded` has it recorded before the launch.
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
        # The one try of a task instance that is queued here.
        self._queued_tries: dict[Any, Any] = {}
        self.ids_are_assigned = ASSIGNS_IDS

    # --- for the executor ----------------------------------------------------------------------------------

    def take(self, items: Sequence[Any]) -> None:
        """Take what has a slot; each leaves by :meth:`dequeue_item`."""
        raise NotImplementedError

    def superseded(self, subject: Any, key: Any) -> None:
        """Let go of earlier tries of a task instance wherever they stand: a later one is queued."""
        for earlier in [each for each in self._unrecorded if each != key and subject_of(each) == subject]:
            self.forget(earlier)

    def dequeue_item(self, item: Any) -> Any:
        """Forget that it is queued; return its key, or None when it is not queued."""
        try:
            key = key_of(item)
        except Exception:
            # An item that cannot even tell its key must not stay there for ever.
            log.exception("A workload has no key: %r", item)
            queues = self._queues()
            key = next((key for queue in queues for key, each in queue.items() if each is item), None)
        self._queued_tries.pop(subject_of(key), None)
        found = [queue.pop(key, None) for queue in self._queues()]
        return key if any(each is not None for each in found) else None

    def dequeue(self, key: Any) -> None:
        """Forget that it is queued, of whatever kind it is."""
        for queue in self._queues():
            queue.pop(key, None)

    def when_recorded(self, work: Launch, launch: Callable[[], None]) -> None:
        """Launch once the launch id is in Airflow's database, where the next scheduler looks for it.

        Where Airflow wrote it with QUEUED, now. Else the scheduler is told it by an event, which it commits
        right after this heartbeat; the launch is made at the next one. So a task of which the database has
        no id was never launched.
        """
        if work.id_is_recorded:
            launch()
            return
        self.change_state(work.key, TaskInstanceState.QUEUED, work.launch_id, remove_running=False)
        self._unrecorded[work.key] = launch

    def forget(self, key: Any) -> None:
        """Drop a task wherever it stands; it is launched no more."""
        self.dequeue(key)
        self._unrecorded.pop(key, None)
        self.running.discard(key)

    def tell_started(self, key: Any, arn: str) -> None:
        """Tell Airflow where it runs: a task's ``external_executor_id``; the others are running now."""
        if isinstance(key, TaskInstanceKey):
            self.change_state(key, TaskInstanceState.QUEUED, arn, remove_running=False)
        else:
            self.running_state(key, arn)

    def section(self, name: str) -> tuple[Mapping[str, Any], Callable[[str], Any]]:
        """Return the options that are set in a section, and what reads one; the team's own first."""
        from airflow.configuration import conf as everyones  # noqa: PLC0415  late, as Airflow does

        conf = getattr(self, "conf", everyones)  # teams: 3.1 and later
        listed = getattr(conf, "getsection", everyones.getsection)  # of a team: 3.2 and later
        # Airflow lists no variable whose option is not declared (up to 3.2), and none of a team that has no
        # section in the file: a misspelled one would go unseen.
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
        """Return what signs the workloads' tokens; None where there are none."""
        return getattr(self, "jwt_generator", None)

    # --- for Airflow ---------------------------------------------------------------------------------------

    def heartbeat(self) -> None:
        """Launch what the last heartbeat had recorded, then do what Airflow does."""
        for key in [key for key in self._unrecorded if key not in self.event_buffer]:
            self._unrecorded.pop(key)()
        super().heartbeat()

    def note_queued(self, key: Any) -> None:
        """Take note of a try that was queued; earlier ones of its task instance are not wanted any more."""
        subject = subject_of(key)
        earlier = self._queued_tries.get(subject)
        self._queued_tries[subject] = key
        if earlier is not None and earlier != key:
            self.forget(earlier)
        self.superseded(subject, key)

    if hasattr(BaseExecutor, "queue_command"):

        def queue_command(self, task_instance: Any, *args: Any, **kwargs: Any) -> None:
            """Take a command (2.11)."""
            super().queue_command(task_instance, *args, **kwargs)
            self.note_queued(task_instance.key)

    if TAKES_COMMANDS:

        def _process_tasks(self, task_tuples: Sequence[tuple[Any, ...]]) -> None:
            self.take([self.queued_tasks[key] for key, *_ in task_tuples])

    else:

        def queue_workload(self, workload: Any, session: Any) -> None:
            """Take a workload; the base class of 3.0 refuses them all."""
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
