"""What ``airflow fargate cost`` and ``render`` read from the release's tables."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_fargate.airflow_versions import latest_try, tries_since
from contract_airflow import filled

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
ARN = "arn:aws:ecs:us-east-1:123456789012:task/airflow/0123456789abcdef0123456789abcdef"


@pytest.mark.point("`airflow fargate cost` and `render` read the task history, including earlier tries")
def test_every_try_is_found_in_the_releases_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """By container, time and map index; `render` uses the try that started last."""
    from airflow import models as airflow_models  # noqa: PLC0415  slow
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415  the same
    from sqlalchemy import create_engine, insert  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.orm import Session  # noqa: PLC0415  the same

    try:
        from airflow.models.taskinstancehistory import TaskInstanceHistory  # noqa: PLC0415  until 3.3
    except ImportError:
        TaskInstanceHistory = TaskInstance  # noqa: N806  the same table from 3.4 on
    airflow_models.import_all_models()
    models = dict.fromkeys((TaskInstance, TaskInstanceHistory))
    engine = create_engine("sqlite://")
    for model in models:
        model.__table__.create(engine)
    common: dict[str, Any] = {"dag_id": "sales", "task_id": "load", "queue": "big", "state": "failed"}
    common |= {
        "earlier": False,
        "external_executor_id": ARN,
        "start_date": NOW - timedelta(hours=1),
        "end_date": NOW,
    }
    ancient = {"run_id": "old", "start_date": NOW - timedelta(days=9), "end_date": NOW - timedelta(days=9)}
    tries = [
        (TaskInstanceHistory, {"run_id": "run", "try_number": 1, "earlier": True}),
        (TaskInstance, {"run_id": "run", "try_number": 2, "executor_config": {"cpu": 1024}}),
        (TaskInstance, {"try_number": 1, **ancient}),
        (
            TaskInstance,
            {"run_id": "queued", "try_number": 1, "external_executor_id": None, "start_date": None},
        ),
    ]
    with engine.begin() as connection:
        for model, row in tries:
            connection.execute(insert(model.__table__), [filled(model.__table__, **common | row)])
    monkeypatch.setattr("airflow.utils.session.create_session", lambda: Session(engine))
    found = sorted(tries_since(NOW - timedelta(days=1)), key=lambda each: each.try_number)
    assert [(each.run_id, each.try_number, each.external_id) for each in found] == [
        ("run", 1, ARN),
        ("run", 2, ARN),
    ]
    last = latest_try("sales", "load", None, -1)
    assert last is not None
    assert (last.run_id, last.try_number, last.queue) == ("run", 2, "big")
    assert last.executor_config == {"cpu": 1024}
    old = latest_try("sales", "load", "old", -1)
    assert old is not None
    assert old.run_id == "old"
    assert latest_try("sales", "load", None, 7) is None
