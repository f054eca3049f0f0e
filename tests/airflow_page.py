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
    """S3 as the page uses it: buckets with one status each."""

    def __init__(self, statuses: Mapping[str, Mapping[str, Any]]) -> None:
        self._statuses = statuses

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        now = datetime.now(tz=timezone.utc)
        return {"Contents": [{"Key": f"{Prefix}scheduler.json", "LastModified": now}]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        content = {**self._statuses[Bucket], "written_at": time.time() - 4}
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


def a_status(arn: str, scheduler: str = "scheduler-9", team: str = "") -> dict[str, Any]:
    """Return a scheduler's status about one container."""
    from airflow_fargate.fleet.status import FORMAT  # noqa: PLC0415  slow

    sums = ("rate", "limit", "limit_now", "waiting", "throttles", "capacity_refusals", "launch_errors")
    detail = {"launch_id": "", "cpu": 512, "memory": 1024, "storage": None, "since": None}
    return {
        **dict.fromkeys(sums, 7),
        "format": FORMAT,
        "scheduler": scheduler,
        "team": team,
        "containers": 1,
        "standbys": {},
        "failing": {},
        "failures": [],
        "details": {arn: detail | {"capacity": "FARGATE", "architecture": ""}},
    }


def get(app: Any, path: str, role: str | None, *teams: str) -> Any:
    """Return the answer to a user of this role, signed in as a browser is; None: not signed in."""
    from airflow.api_fastapi.app import get_auth_manager  # noqa: PLC0415  3.1 and later
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN  # noqa: PLC0415
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser  # noqa: PLC0415
    from fastapi.testclient import TestClient  # noqa: PLC0415  comes with Airflow 3

    client = TestClient(app, base_url="http://localhost")
    if role is not None:
        user = SimpleAuthManagerUser(username="someone", role=role, **({"teams": [*teams]} if teams else {}))
        client.cookies.set(COOKIE_NAME_JWT_TOKEN, get_auth_manager().generate_jwt(user))
    return client.get(path)
