"""What is read from Airflow's database: who owns a DAG, and the work that another scheduler had queued."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions.releases import TAKES_COMMANDS, TYPES_WORKLOADS
from airflow_fargate.airflow_versions.work import Work, work_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.models.taskinstance import TaskInstance

_TIS_PER_QUERY = 1000


def owner_of(dag_id: str, session: Any) -> str:
    """Return the owners of a DAG, as far as the session has them already; no query.

    The workload does not tell; the scheduler has just read the DAG's row to make it.
    """
    from airflow.models.dag import DagModel  # noqa: PLC0415  needs Airflow's database models
    from sqlalchemy.orm.util import identity_key  # noqa: PLC0415  comes with Airflow

    if session is None:
        return ""
    dag = session.identity_map.get(identity_key(DagModel, dag_id))
    # From the dictionary: an expired attribute would be read from the database.
    return str((dag.__dict__.get("owners") if dag is not None else None) or "")


def rebuild_workloads(tis: Sequence[TaskInstance]) -> dict[Any, Work]:
    """Make the work of queued task instances anew, as the scheduler that queued them did.

    The scheduler holds row locks meanwhile: it is one query a thousand, and one template for the log files.
    The tokens stay empty: they are made at launch.

    Args:
        tis: task instances of one session, with their launch ids in ``external_executor_id``.

    Returns:
        Task instance key -> work.
    """
    if not tis:
        return {}
    _load_dags_and_runs(tis)
    items = _commands(tis) if TAKES_COMMANDS else _typed(tis) if TYPES_WORKLOADS else _workloads(tis)
    works = (work_of(item, ti.external_executor_id or "") for ti, item in zip(tis, items, strict=True))
    return {work.key: work for work in works}


def _commands(tis: Sequence[Any]) -> Iterator[Any]:
    """The same call as the scheduler of 2.11 makes."""
    for ti in tis:
        command = ti.command_as_list(local=True, pickle_id=ti.dag_model.pickle_id)
        yield command, ti.priority_weight, ti.queue, ti


def _workloads(tis: Sequence[Any]) -> Iterator[Any]:
    """3.0 to 3.3: ``ExecuteTask.make`` would compile the log file's template for each, a millisecond."""
    from airflow.executors import workloads  # noqa: PLC0415  Airflow 3 only
    from airflow.utils.helpers import log_filename_template_renderer  # noqa: PLC0415  the same

    task_instance = getattr(workloads, "TaskInstanceDTO", None) or workloads.TaskInstance  # renamed in 3.2
    log_path = log_filename_template_renderer()
    for ti in tis:
        bundle = workloads.BundleInfo(name=ti.dag_model.bundle_name, version=ti.dag_run.bundle_version)
        yield workloads.ExecuteTask(
            ti=task_instance.model_validate(ti, from_attributes=True),
            dag_rel_path=Path(ti.dag_model.relative_fileloc or ""),
            token="",
            log_path=log_path(ti=ti),
            bundle_info=bundle,
        )


def _typed(tis: Sequence[Any]) -> Iterator[Any]:
    """3.4: the log files' addresses come from one call for all."""
    from airflow.configuration import conf  # noqa: PLC0415  needs Airflow
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415  Airflow 3 only
    from airflow.utils.log.task_log_address import prepare_task_log_contexts  # noqa: PLC0415  3.4 only
    from sqlalchemy.orm import object_session  # noqa: PLC0415  comes with Airflow

    template = conf.get("logging", "log_filename_template")
    contexts = prepare_task_log_contexts(
        list(tis), session=object_session(tis[0]), filename_template=template
    )
    for ti in tis:
        yield ExecuteTask.make(ti, log_context=contexts[ti.id])


def _load_dags_and_runs(tis: Sequence[Any]) -> None:
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import joinedload, object_session  # noqa: PLC0415  the same

    session = object_session(tis[0]) if isinstance(tis[0], TaskInstance) else None
    if session is None:
        return
    for start in range(0, len(tis), _TIS_PER_QUERY):
        slice_ = tis[start : start + _TIS_PER_QUERY]
        # The rows are in the session already; this fills in what they refer to.
        session.scalars(
            select(TaskInstance)
            .where(TaskInstance.filter_for_tis(slice_))
            .options(joinedload(TaskInstance.dag_run), joinedload(TaskInstance.dag_model))
        ).unique().all()
