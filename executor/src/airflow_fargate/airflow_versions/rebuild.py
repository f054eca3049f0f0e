"""Read task instances from Airflow's database: to adopt them, and to find their scheduler."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError as OperationalError  # noqa: PLC0414  imported from here by callers

from airflow_fargate.airflow_versions.releases import TAKES_COMMANDS, TYPES_WORKLOADS
from airflow_fargate.airflow_versions.work import Work, work_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from airflow.models.taskinstance import TaskInstance

log = logging.getLogger(__name__)

_TIS_PER_QUERY = 1000


def load_for_adoption(tis: Sequence[TaskInstance]) -> None:
    """Load the columns that adoption reads, in one SELECT per thousand rows.

    Airflow passes the rows with seven columns loaded. Each other column would need its own SELECT, under
    Airflow's row locks. The columns that Airflow's loop reads afterwards (``last_heartbeat_at``, the run's
    ``conf``) are loaded, too. If a row cannot be read (for example an ``executor_config`` whose class no
    longer exists), the other rows are loaded one by one when they are needed.

    Args:
        tis: task instances of one session.

    Raises:
        sqlalchemy.exc.OperationalError: the database does not answer.
    """
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import defer, joinedload, object_session  # noqa: PLC0415  the same

    rows = [ti for ti in tis if isinstance(ti, TaskInstance)]
    session = object_session(rows[0]) if rows else None
    if session is None:
        return
    related = (joinedload(TaskInstance.dag_run), joinedload(TaskInstance.dag_model))
    # A running task is not launched, so its executor_config, a pickle from a user's DAG, is not loaded.
    for queued, options in ((True, related), (False, (*related, defer(TaskInstance.executor_config)))):
        chosen = [ti for ti in rows if (ti.state == "queued") is queued]
        for start in range(0, len(chosen), _TIS_PER_QUERY):
            slice_ = TaskInstance.filter_for_tis(chosen[start : start + _TIS_PER_QUERY])
            try:
                # The rows are already in the session; this loads their missing columns.
                session.scalars(select(TaskInstance).where(slice_).options(*options)).unique().all()
            except OperationalError:
                raise
            except Exception:
                log.exception("Task instances could not be loaded together. They are loaded one by one.")


class Rebuilder:
    """Makes the work of queued task instances again, as the scheduler that queued them did.

    Tokens stay empty until the launch. Common parts are made once, because the scheduler holds row locks
    meanwhile.

    Args:
        tis: task instances of one session.
    """

    def __init__(self, tis: Sequence[TaskInstance]) -> None:
        self._queued = [ti for ti in tis if ti.state == "queued"]

    def work(self, ti: TaskInstance) -> Work:
        """Return the work of a task instance with its launch id in ``external_executor_id``."""
        make = self._command if TAKES_COMMANDS else self._typed if TYPES_WORKLOADS else self._plain
        return work_of(make(ti), ti.external_executor_id or "")

    @staticmethod
    def _command(ti: Any) -> Any:
        """2.11: make the same call as the scheduler."""
        command = ti.command_as_list(local=True, pickle_id=ti.dag_model.pickle_id)
        return command, ti.priority_weight, ti.queue, ti

    def _plain(self, ti: Any) -> Any:
        """3.0 to 3.3: avoid ``ExecuteTask.make``, which compiles a template for each task (a millisecond)."""
        from airflow.executors import workloads  # noqa: PLC0415  Airflow 3 only

        # Renamed in 3.2.
        task_instance = getattr(workloads, "TaskInstanceDTO", None) or workloads.TaskInstance
        return workloads.ExecuteTask(
            ti=task_instance.model_validate(ti, from_attributes=True),
            dag_rel_path=Path(ti.dag_model.relative_fileloc or ""),
            token="",
            log_path=self._log_path(ti=ti),
            bundle_info=workloads.BundleInfo(
                name=ti.dag_model.bundle_name, version=ti.dag_run.bundle_version
            ),
        )

    @cached_property
    def _log_path(self) -> Any:
        from airflow.utils.helpers import log_filename_template_renderer  # noqa: PLC0415  until 3.3

        return log_filename_template_renderer()

    def _typed(self, ti: Any) -> Any:
        """3.4: get the addresses of all log files in one call."""
        from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415  Airflow 3 only

        return ExecuteTask.make(ti, log_context=self._log_contexts[ti.id])

    @cached_property
    def _log_contexts(self) -> Any:
        from airflow.configuration import conf  # noqa: PLC0415  needs Airflow
        from airflow.utils.log.task_log_address import prepare_task_log_contexts  # noqa: PLC0415  3.4 only
        from sqlalchemy.orm import object_session  # noqa: PLC0415  comes with Airflow

        template = conf.get("logging", "log_filename_template")
        session = object_session(self._queued[0])
        return prepare_task_log_contexts(self._queued, session=session, filename_template=template)


def adopted_elsewhere(keys: Sequence[Any], job_id: int | None) -> Iterable[Hashable]:
    """Return the keys of task instances that belong to another scheduler's job.

    Args:
        keys: task instance keys; others (callbacks, connection tests) are never adopted.
        job_id: this scheduler's job; None if there is none, as in ``airflow dags test``.
    """
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from airflow.models.taskinstancekey import TaskInstanceKey  # noqa: PLC0415  the same
    from airflow.utils.session import create_session  # noqa: PLC0415  the same
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import defer  # noqa: PLC0415  the same

    tasks = [key for key in keys if isinstance(key, TaskInstanceKey)]
    by_subject = {key.primary: key for key in tasks}
    found: list[Hashable] = []
    if job_id is None or not tasks:
        return found
    with create_session() as session:
        for start in range(0, len(tasks), _TIS_PER_QUERY):
            slice_ = TaskInstance.filter_for_tis(tasks[start : start + _TIS_PER_QUERY])
            theirs = select(TaskInstance).where(slice_, TaskInstance.queued_by_job_id != job_id)
            rows = session.scalars(theirs.options(defer(TaskInstance.executor_config)))
            found += [by_subject[ti.key.primary] for ti in rows]
    return found
