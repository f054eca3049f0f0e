"""Airflow's own API app with the page: a SQLite database with running tasks, and a bucket with a status."""

from __future__ import annotations

import io
import json
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow_scheduler.database import database_in_use
from contract_airflow import filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

ARN = "arn:aws:ecs:us-east-1:123456789012:task/airflow/{:032x}"


class StatusBucket:
    """S3 as the page uses it: one status."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self._status = status

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        now = datetime.now(tz=timezone.utc)
        return {"Contents": [{"Key": f"{Prefix}scheduler.json", "LastModified": now}]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        content = {**self._status, "written_at": time.time() - 4}
        return {"Body": io.BytesIO(json.dumps(content).encode())}


@contextmanager
def database(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Iterator[None]:
    """Let Airflow in this process use a new SQLite database that has these task instances and their DAGs."""
    from airflow.models.base import Base  # noqa: PLC0415  slow
    from airflow.models.dag import DagModel  # noqa: PLC0415  the same
    from airflow.models.dagbundle import DagBundleModel  # noqa: PLC0415  the same
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  the same
    from airflow.utils.db import initdb  # noqa: PLC0415  the same
    from sqlalchemy import create_engine, insert  # noqa: PLC0415  comes with Airflow

    url = f"sqlite:///{folder}/airflow.db"
    with database_in_use(url):
        initdb()
        # An engine of its own does not check foreign keys: no DAG file was ever parsed.
        engine = create_engine(url)
        now = datetime.now(tz=timezone.utc)
        wanted: list[tuple[Any, dict[str, Any]]] = [(DagBundleModel, {"name": "dags-folder"})]
        wanted += [
            (DagModel, {"dag_id": dag, "bundle_name": "dags-folder", "fileloc": "dag.py"})
            for dag in sorted({row["dag_id"] for row in rows})
        ]
        common = {"state": "running", "queue": "default", "map_index": -1, "queued_dttm": now}
        wanted += [
            (TaskInstance, {**common, "region_index": row.get("map_index", -1), **row}) for row in rows
        ]
        with engine.begin() as connection:
            for model, row in wanted:
                table = Base.metadata.tables[model.__tablename__]
                connection.execute(insert(table), [filled(table, **row)])
        engine.dispose()
        yield


def minutes_ago(minutes: float) -> datetime:
    """Return a moment."""
    return datetime.now(tz=timezone.utc) - timedelta(minutes=minutes)
