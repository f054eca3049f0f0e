"""Every difference between the Airflow releases that we support, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_fargate.errors import FargateError
from airflow_fargate.launch import TaskIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.executors.workloads import ExecuteTask
    from airflow.models.taskinstance import TaskInstance

OLDEST, BEYOND = (2, 11), (3, 5)
PAYLOAD_FORMAT = 1
_TIS_PER_QUERY = 1000
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
# Names launch ids that are derived; any fixed UUID does, as long as it never changes.
_NAMESPACE = uuid.UUID("8f0c2a6e-3d0b-5c8e-9a55-6a3f0f1c7d11")


class UnsupportedAirflowError(FargateError, ImportError):
    """The Airflow that is installed is outside the range that this package supports."""


def parse_release(text: str) -> tuple[int, ...]:
    """Return the numbers at the front of a version: ``3.4.0b1`` gives (3, 4, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(each) for each in found.group().split(".")) if found else ()


def check_release(text: str) -> tuple[int, ...]:
    """Return the release's numbers.

    Raises:
        UnsupportedAirflowError: it is outside the range.
    """
    release = parse_release(text)
    if not OLDEST <= release[:2] < BEYOND:
        raise UnsupportedAirflowError(
            f"airflow-fargate supports Airflow {OLDEST[0]}.{OLDEST[1]} to {BEYOND[0]}.{BEYOND[1] - 1}; "
            f"Airflow {text} is installed."
        )
    return release


AIRFLOW_VERSION = installed_version("apache-airflow")
RELEASE = check_release(AIRFLOW_VERSION)


def statistics() -> Any:
    """Return what Airflow sends metrics with: ``incr``, ``timing`` and ``gauge``, with tags."""
    try:
        from airflow.sdk.observability import stats  # noqa: PLC0415  3.2 and later
    except ImportError:
        from airflow.stats import Stats as stats  # noqa: N813, PLC0415  before
    return stats


def launch_id_of(workload: ExecuteTask) -> str:
    """Return the workload's launch id.

    From 3.2.2 on the scheduler has written a UUID into ``external_executor_id`` in the commit that queued it.
    Before, one is derived from the task instance, its try and its token: the token tells a task that resumes
    after deferral, with the same try, from its first half.
    """
    given = getattr(workload.ti, "external_executor_id", None)
    if given and is_launch_id(given):
        return str(given)
    salt = hashlib.sha256(workload.token.encode()).hexdigest()
    return str(uuid.uuid5(_NAMESPACE, f"{workload.ti.id}/{workload.ti.try_number}/{salt}"))


def is_launch_id(text: str) -> bool:
    """Say whether an ``external_executor_id`` is a launch id (a UUID) rather than an ARN."""
    return _UUID.fullmatch(text) is not None


def identity_of(workload: ExecuteTask, owner: str = "") -> TaskIdentity:
    """Return which task instance a workload runs."""
    ti = workload.ti
    return TaskIdentity(ti.dag_id, ti.task_id, ti.run_id, ti.try_number, ti.map_index, owner)


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


def document_of(workload: ExecuteTask, launch_id: str, generator: Any) -> Callable[[], str]:
    """Return a function that writes the payload document with a token made at that moment.

    A token lives ``[scheduler] task_queued_timeout`` from when it was made: a launch that waited for capacity
    would arrive with a dead one.
    """

    def document() -> str:
        content = json.loads(workload.model_dump_json())
        make = getattr(type(workload), "generate_token", None)
        if make is not None and generator is not None:
            content["token"] = make(str(workload.ti.id), generator)
        return json.dumps(
            {
                "format": PAYLOAD_FORMAT,
                "airflow_version": AIRFLOW_VERSION,
                "launch_id": launch_id,
                "key": str(identity_of(workload)),
                "workload": content,
            },
            separators=(",", ":"),
        )

    return document


def rebuild_workloads(tis: Sequence[TaskInstance]) -> dict[Any, ExecuteTask]:
    """Make the workloads of queued task instances anew, as the scheduler that queued them did.

    ``ExecuteTask.make`` compiles the log file's template for each one, a millisecond, and loads each one's
    DAG run and DAG; the scheduler holds row locks meanwhile. Here it is one template, and one query a
    thousand. The tokens stay empty: they are made at launch.

    Args:
        tis: task instances of one session.

    Returns:
        Task instance key -> workload.
    """
    from airflow.executors.workloads import BundleInfo, ExecuteTask  # noqa: PLC0415  Airflow 3 only
    from airflow.executors.workloads.task import TaskInstanceDTO  # noqa: PLC0415  the same
    from airflow.utils.helpers import log_filename_template_renderer  # noqa: PLC0415  the same

    _load_dags_and_runs(tis)
    log_path = log_filename_template_renderer()
    return {
        ti.key: ExecuteTask(
            ti=TaskInstanceDTO.model_validate(ti, from_attributes=True),
            dag_rel_path=Path(ti.dag_model.relative_fileloc or ""),
            token="",
            log_path=log_path(ti=ti),
            bundle_info=BundleInfo(name=ti.dag_model.bundle_name, version=ti.dag_run.bundle_version),
        )
        for ti in tis
    }


def _load_dags_and_runs(tis: Sequence[Any]) -> None:
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  needs Airflow's database
    from sqlalchemy import select  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import joinedload, object_session  # noqa: PLC0415  the same

    session = object_session(tis[0]) if tis and isinstance(tis[0], TaskInstance) else None
    if session is None:
        return
    for start in range(0, len(tis), _TIS_PER_QUERY):
        ids = [ti.id for ti in tis[start : start + _TIS_PER_QUERY]]
        # The rows are in the session already; this fills in what they refer to.
        session.scalars(
            select(TaskInstance)
            .where(TaskInstance.id.in_(ids))
            .options(joinedload(TaskInstance.dag_run), joinedload(TaskInstance.dag_model))
        ).unique().all()
