"""Callbacks, connection tests and teams, for releases that have them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_airflow import Scheduler, callback, connection_test
from local_cloud import Behaviour


def documents(scheduler: Any) -> list[dict[str, Any]]:
    """Return the stored payloads."""
    return [json.loads(body) for body in scheduler.world.s3.objects.values()]


@pytest.mark.point("a callback runs in its own container, and its end is reported", since=(3, 3))
@pytest.mark.parametrize(("exit_code", "state"), [(0, "success"), (80, "failed")])
def test_a_callback_runs_in_a_container(scheduler: Any, exit_code: int, state: str) -> None:
    """RUNNING, then its end; its own UUID is the launch id."""
    scheduler.world.engine.default = Behaviour(run=5, exit_code=exit_code)
    one = callback()
    scheduler.executor.queue_workload(one, session=None)
    launched = scheduler.launch()
    (document,) = documents(scheduler)
    assert document["workload"]["type"] == "ExecuteCallback"
    assert document["workload"]["token"].count(".") == 2
    assert launched.started_by == f"airflow/{one.callback.id}"
    scheduler.run(30)
    told = [(key, str(getattr(each, "value", each))) for key, each, _ in scheduler.events]
    assert told == [(one.key, "running"), (one.key, state)]
    assert scheduler.executor.slots_occupied == 0


@pytest.mark.point("callbacks go before tasks", since=(3, 3))
def test_callbacks_go_before_tasks(scheduler: Any, task: Any) -> None:
    """With one slot, the callback gets it."""
    scheduler.executor.parallelism = 1
    scheduler.queue(task(priority_weight=1000))
    one = callback()
    scheduler.executor.queue_workload(one, session=None)
    assert scheduler.launch().started_by == f"airflow/{one.callback.id}"


@pytest.mark.point("callbacks are rejected, as the flag says", since=(3, 2), until=(3, 2))
def test_callbacks_of_3_2_are_rejected() -> None:
    """Its containers cannot run them: ``execute_workload`` rejects everything but tasks."""
    scheduler = Scheduler()
    with pytest.raises(NotImplementedError, match="supports_callbacks"):
        scheduler.executor.queue_workload(callback(), session=None)


@pytest.mark.point("a connection test runs in its own container", since=(3, 3))
def test_a_connection_test_runs_in_a_container(scheduler: Any) -> None:
    """Its queue's profile sets the size; the API server gets the result, and the slot is freed."""
    one = connection_test()
    scheduler.executor.queue_workload(one, session=None)
    launched = scheduler.launch()
    assert documents(scheduler)[0]["workload"]["connection_id"] == "warehouse"
    assert launched.started_by == f"airflow/{one.connection_test_id}"
    assert launched.cpu == "1024"
    scheduler.run(30)
    assert scheduler.states()[-1] == "success"
    assert scheduler.executor.slots_occupied == 0


@pytest.mark.point(
    "a connection test that takes too long is dropped when the scheduler drops it", since=(3, 3)
)
def test_a_reaped_connection_test_takes_no_slot(scheduler: Any) -> None:
    """``fail_connection_test``."""
    one = connection_test()
    scheduler.executor.queue_workload(one, session=None)
    scheduler.executor.fail_connection_test(one.key)
    scheduler.run(5)
    assert scheduler.world.plane.tasks() == ()
    assert scheduler.executor.slots_occupied == 0


@pytest.mark.point("every team has its own cluster, queue and role", since=(3, 2))
def test_each_team_has_its_own_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's options do not affect others."""
    from airflow_fargate.executor import FargateExecutor  # noqa: PLC0415  imports Airflow

    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    own = {
        "CLUSTER": "data-cluster",
        "TASK_DEFINITION": "data-worker",
        "CONTAINER_NAME": "worker",
        "SUBNETS": "subnet-9",
        "SECURITY_GROUPS": "sg-9",
        "EVENT_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/data",
        "PROFILES": '{"default": {"task_role": "arn:aws:iam::123456789012:role/data"}}',
    }
    for name, value in own.items():
        monkeypatch.setenv(f"AIRFLOW__DATA___FARGATE__{name}", value)
    teams, everyones = FargateExecutor(team_name="data").read_config(), FargateExecutor().read_config()
    assert (teams.cluster, teams.event_queue_url) == ("data-cluster", own["EVENT_QUEUE_URL"])
    assert teams.profiles["default"].task_role == "arn:aws:iam::123456789012:role/data"
    assert everyones.cluster == "airflow"
    assert "default" not in everyones.profiles
    assert FargateExecutor.supports_multi_team
