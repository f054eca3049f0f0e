"""Past and present tries of tasks, from Airflow's database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions.releases import RUNS_OTHER_WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_ROWS_AT_ONCE = 1000
_UNFINISHED = ("queued", "running", "restarting")
_COLUMNS = ("dag_id", "task_id", "run_id", "try_number", "queue", "executor_config")
_TIMES = ("external_executor_id", "start_date", "end_date")


@dataclass(frozen=True)
class TaskTry:
    """One try of a task instance.

    Args:
        dag_id, task_id, run_id, try_number, map_index: which one it is.
        queue: for the profile.
        executor_config: the task's own options.
        external_id: the ARN of its container, or its launch id; empty if it was not launched.
        started, ended: the times of the task; None before they are known.
    """

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    queue: str
    executor_config: Any
    external_id: str
    started: datetime | None
    ended: datetime | None
    map_index: int = -1


def tries_since(moment: datetime) -> Iterator[TaskTry]:
    """Yield every try with a container's id that ran after this moment, including earlier tries."""
    from airflow.utils.session import create_session  # noqa: PLC0415  needs Airflow's database
    from sqlalchemy import or_, select  # noqa: PLC0415  comes with Airflow

    with create_session() as session:
        for model in _models():
            rows = session.execute(
                select(*_selected(model))
                .where(model.external_executor_id.is_not(None), model.start_date.is_not(None))
                .where(or_(model.end_date >= moment, model.state == "running"))
                # 3.4 keeps earlier tries in the same table and hides them without this option.
                .execution_options(yield_per=_ROWS_AT_ONCE, include_all_attempts=True)
            )
            yield from map(_try, rows)


def latest_try(dag_id: str, task_id: str, run_id: str | None, map_index: int) -> TaskTry | None:
    """Return a task's last try, in this run or in the one that started last; None if there is none."""
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from airflow.utils.session import create_session  # noqa: PLC0415  the same
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow

    wanted = select(*_selected(TaskInstance)).where(
        TaskInstance.dag_id == dag_id,
        TaskInstance.task_id == task_id,
        _map_index(TaskInstance) == map_index,
    )
    if run_id is not None:
        wanted = wanted.where(TaskInstance.run_id == run_id)
    newest = (
        TaskInstance.start_date.is_(None),
        TaskInstance.start_date.desc(),
        TaskInstance.try_number.desc(),
    )
    with create_session() as session:
        row = session.execute(wanted.order_by(*newest).limit(1)).first()
        return None if row is None else _try(row)


def unfinished_tries(limit: int) -> list[TaskTry]:
    """Return queued and running tasks with a container's id, the oldest first."""
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from airflow.utils.session import create_session  # noqa: PLC0415  the same
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow

    wanted = (
        select(*_selected(TaskInstance))
        .where(TaskInstance.state.in_(_UNFINISHED), TaskInstance.external_executor_id.is_not(None))
        .order_by(TaskInstance.queued_dttm)
        .limit(limit)
    )
    with create_session() as session:
        return [_try(row) for row in session.execute(wanted)]


def container_id(key: Any) -> str:
    """Return the ``external_executor_id`` of the try that a key names; empty if it has none."""
    from airflow.utils.session import create_session  # noqa: PLC0415  needs Airflow's database
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow

    with create_session() as session:
        for model in _models():
            found = session.scalar(
                select(model.external_executor_id)
                .where(
                    model.dag_id == key.dag_id,
                    model.task_id == key.task_id,
                    model.run_id == key.run_id,
                    model.try_number == key.try_number,
                    _map_index(model) == key.map_index,
                )
                .execution_options(include_all_attempts=True)  # as above
            )
            if found:
                return str(found)
    return ""


def owned_ids() -> set[str]:
    """Return the ARNs and launch ids of unfinished task instances, callbacks and connection tests.

    The launch id of a callback or connection test is its own id.
    """
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from airflow.utils.session import create_session  # noqa: PLC0415  the same
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow

    wanted = [select(TaskInstance.external_executor_id).where(TaskInstance.state.in_(_UNFINISHED))]
    if RUNS_OTHER_WORKLOADS:
        from airflow.models.callback import Callback  # noqa: PLC0415  3.3 and later
        from airflow.models.connection_test import ConnectionTestRequest  # noqa: PLC0415  the same

        wanted += [
            select(each.id).where(each.state.in_(_UNFINISHED)) for each in (Callback, ConnectionTestRequest)
        ]
    with create_session() as session:
        return {str(each) for query in wanted for (each,) in session.execute(query) if each}


def _models() -> Iterator[Any]:
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database

    yield TaskInstance
    try:
        from airflow.models.taskinstancehistory import TaskInstanceHistory  # noqa: PLC0415  until 3.3
    except ImportError:
        return  # 3.4 and later
    yield TaskInstanceHistory


def _selected(model: Any) -> list[Any]:
    return [*(getattr(model, name) for name in (*_COLUMNS, *_TIMES)), _map_index(model)]


def _map_index(model: Any) -> Any:
    return model.region_index if hasattr(model, "region_index") else model.map_index  # 3.4 renamed it


def _try(row: Any) -> TaskTry:
    dag_id, task_id, run_id, number, queue, executor_config, external, started, ended, map_index = row
    return TaskTry(
        dag_id,
        task_id,
        run_id,
        number,
        queue or "",
        executor_config,
        external or "",
        started,
        ended,
        map_index,
    )
