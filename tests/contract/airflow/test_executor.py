"""The executor as Airflow's scheduler loads and drives it."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.log import Log
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session

from airflow_fargate.executor import FargateExecutor
from local_cloud import Behaviour, out_of_memory


def test_airflows_loader_loads_it_and_its_constructor_calls_nothing(scheduler: Any) -> None:
    """The api-server constructs executors too: no AWS call, no thread, before start()."""
    assert isinstance(scheduler.executor, FargateExecutor)
    assert sum(scheduler.world.plane.calls.values()) == 0
    assert FargateExecutor()._fleet is None


def test_a_workload_is_queued_launched_and_succeeds(scheduler: Any, workload: Any) -> None:
    """Queue, heartbeat, events: the ARN as external_executor_id, then success; then no slot is taken."""
    made = workload()
    scheduler.executor.queue_workload(made, session=None)
    assert scheduler.executor.slots_occupied == 1
    scheduler.run(30)
    (task,) = scheduler.world.plane.tasks()
    assert scheduler.events == [(made.key, "queued", task.arn), (made.key, "success", task.arn)]
    assert scheduler.executor.slots_occupied == 0


def test_the_pre_assigned_id_is_the_client_token_and_started_by(scheduler: Any, workload: Any) -> None:
    """The UUID that the scheduler committed with QUEUED is the launch id."""
    made = workload()
    scheduler.executor.queue_workload(made, session=None)
    scheduler.loop()
    (task,) = scheduler.world.plane.tasks()
    assert task.client_token == f"{made.ti.external_executor_id}-0"
    assert task.started_by == f"airflow/{made.ti.external_executor_id}"


def test_the_payload_has_a_token_made_at_launch_and_the_request_none(scheduler: Any, workload: Any) -> None:
    """The token of queueing time is replaced; DescribeTasks shows neither."""
    scheduler.executor.queue_workload(workload(), session=None)
    scheduler.loop()
    (document,) = (json.loads(body) for body in scheduler.world.s3.objects.values())
    token = document["workload"]["token"]
    assert token.count(".") == 2
    (task,) = scheduler.world.plane.tasks()
    assert token not in json.dumps(task.overrides)
    assert "queued-token" not in json.dumps(document)


def test_a_task_killed_for_memory_says_so_in_the_event(scheduler: Any, workload: Any) -> None:
    """The info of the FAILED event is what the user reads."""
    scheduler.world.engine.default = out_of_memory()
    scheduler.executor.queue_workload(workload(), session=None)
    scheduler.run(30)
    assert scheduler.states() == ["queued", "failed"]
    assert "killed for memory at 512 MiB" in scheduler.events[-1][2]
    (logged,) = scheduler.executor._task_event_logs
    assert "killed for memory" in logged.extra


def test_executor_config_and_queue_profiles_size_the_task(scheduler: Any, workload: Any) -> None:
    """The queue's profile is the base, the task's own options are laid over it."""
    made = workload(queue="big", executor_config={"memory": 8192, "tags": {"team": "data"}})
    scheduler.executor.queue_workload(made, session=None)
    scheduler.loop()
    (task,) = scheduler.world.plane.tasks()
    assert (task.cpu, task.memory) == ("1024", "8192")
    assert ("team", "data") in task.tags


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cpu": 300, "memory": 512}, "'cpu': 512, 'memory': 1024"),
        ({"memori": 512}, "Did you mean memory?"),
        ({"cpu": "much"}, "whole number"),
    ],
)
def test_a_wrong_executor_config_fails_that_task_with_what_works(
    scheduler: Any, workload: Any, given: dict[str, Any], words: str
) -> None:
    """Refused before any call, with the nearest size or the key that was meant; others run."""
    bad, good = workload(task_id="bad", executor_config=given), workload(task_id="good")
    for each in (bad, good):
        scheduler.executor.queue_workload(each, session=None)
    scheduler.run(30)
    told = {key.task_id: (str(state.value), info) for key, state, info in scheduler.events}
    assert told["bad"][0] == "failed"
    assert words in told["bad"][1]
    assert told["good"][0] == "success"


def test_adopted_tasks_take_slots_and_end(scheduler: Any, workload: Any) -> None:
    """A task instance with an ARN is adopted, counted, and its end is told."""
    scheduler.world.engine.default = Behaviour(run=60)
    made = workload()
    scheduler.executor.queue_workload(made, session=None)
    scheduler.run(10)
    arn = scheduler.events[0][2]
    heir = type(scheduler)()
    heir.world.plane, heir.world.clock = scheduler.world.plane, scheduler.world.clock
    heir.world.sqs = scheduler.world.sqs
    heir.executor.start()
    ti = SimpleNamespace(key=made.key, external_executor_id=arn, state="running", queued_dttm=None)
    assert heir.executor.try_adopt_task_instances([ti]) == []
    assert heir.executor.slots_occupied == 1
    heir.run(90)
    assert heir.states()[-1] == "success"
    assert heir.executor.slots_occupied == 0


def test_what_has_no_id_is_left_to_airflow(scheduler: Any, workload: Any) -> None:
    """A task instance that never got an id was never launched: Airflow resets it."""
    now = dt.datetime.now(tz=dt.timezone.utc)
    ti = SimpleNamespace(key=workload().key, external_executor_id=None, state="queued", queued_dttm=now)
    assert scheduler.executor.try_adopt_task_instances([ti]) == [ti]


def test_revoking_frees_the_slot_stops_the_container_and_adds_no_event(scheduler: Any, workload: Any) -> None:
    """revoke_task: out of every structure, StopTask, silence."""
    scheduler.world.engine.default = Behaviour(run=None)
    made = workload()
    scheduler.executor.queue_workload(made, session=None)
    scheduler.run(10)
    scheduler.executor.revoke_task(ti=SimpleNamespace(key=made.key))
    assert scheduler.executor.slots_occupied == 0
    scheduler.run(20)
    assert scheduler.states() == ["queued"]
    assert [task.last_status for task in scheduler.world.plane.tasks()] == ["STOPPED"]


def test_no_exception_leaves_a_heartbeat(
    scheduler: Any, workload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks inside: the scheduler goes on."""

    def broken() -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(scheduler.executor._fleet, "sync", broken)
    scheduler.executor.queue_workload(workload(), session=None)
    scheduler.executor.heartbeat()
    scheduler.executor.end()
    scheduler.executor.terminate()


def test_end_leaves_containers_running(scheduler: Any, workload: Any) -> None:
    """end(): nothing is stopped; the next scheduler adopts."""
    scheduler.world.engine.default = Behaviour(run=None)
    scheduler.executor.queue_workload(workload(), session=None)
    scheduler.run(10)
    scheduler.executor.end()
    assert [task.last_status for task in scheduler.world.plane.tasks()] == ["RUNNING"]


def test_the_log_of_a_running_task_comes_from_its_stream(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """get_task_log: the messages name the stream, the lines follow."""
    monkeypatch.setattr(
        "airflow_fargate.executor.shared_clients", lambda _: {"logs": scheduler.world.logs}.__getitem__
    )
    arn = "arn:aws:ecs:us-east-1:123456789012:task/airflow/0123"
    messages, lines = scheduler.executor.get_task_log(SimpleNamespace(external_executor_id=arn), 1)
    assert "worker/0123" in messages[0]
    assert lines == ["one", "two"]
    told, streams = scheduler.executor.get_streaming_task_log(SimpleNamespace(external_executor_id=arn), 1)
    assert (told, [list(each) for each in streams]) == (messages, [lines])


def test_queued_and_never_launched_is_launched_by_the_heir(scheduler: Any, workload: Any) -> None:
    """A queued task instance whose scheduler died before RunTask: its workload is made anew and launched."""
    made = workload(queue="big")
    now = dt.datetime.now(tz=dt.timezone.utc)
    ti = SimpleNamespace(
        **made.ti.model_dump() | {"external_executor_id": made.ti.external_executor_id},
        key=made.key,
        state="queued",
        queued_dttm=now,
        executor_config=None,
        dag_model=SimpleNamespace(relative_fileloc="dag.py", bundle_name="dags-folder"),
        dag_run=SimpleNamespace(bundle_version="v7"),
    )
    assert scheduler.executor.try_adopt_task_instances([ti]) == []
    scheduler.run(60)
    assert scheduler.states() == ["queued", "success"]
    (task,) = scheduler.world.plane.tasks()
    assert (task.client_token, task.cpu) == (f"{made.ti.external_executor_id}-0", "1024")


def test_event_log_entries_survive_airflows_bulk_insert(scheduler: Any, workload: Any) -> None:
    """Airflow saves them through a generator; what it saves must still have its values."""
    engine = create_engine("sqlite://")
    Log.__table__.create(engine)
    scheduler.executor.log_task_event(event="fargate", extra="why", ti_key=workload().key)
    with Session(engine) as session:
        logs = scheduler.executor._task_event_logs
        session.bulk_save_objects(objects=(logs.popleft() for _ in range(len(logs))), preserve_order=False)
        assert session.execute(select(Log.event, Log.extra)).all() == [("fargate", "why")]


def test_the_owner_is_a_tag_and_costs_no_query(scheduler: Any, workload: Any) -> None:
    """The DAG's owners, as the scheduler's session has them already; a DAG it has not: no tag."""
    engine = create_engine("sqlite://")
    DagModel.__table__.create(engine)
    queries: list[str] = []
    with Session(engine) as session:
        dag = DagModel(dag_id="dag", owners="data, platform", bundle_name="dags-folder")
        session.add(dag)
        session.flush()
        event.listen(engine, "before_cursor_execute", lambda *args: queries.append(args[2]))
        scheduler.executor.queue_workload(workload(), session=session)
        scheduler.executor.queue_workload(workload(dag_id="unseen"), session=session)
        assert queries == []
    scheduler.loop()
    owners = [dict(task.tags).get("airflow-fargate:owner") for task in scheduler.world.plane.tasks()]
    assert set(owners) == {None, "data_ platform"}


def test_a_burst_is_taken_in_slices_and_the_heaviest_go_first(
    scheduler: Any, workload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One heartbeat takes so many; the rest stays queued in Airflow's own order, and all are launched."""
    monkeypatch.setattr("airflow_fargate.executor._TAKEN_PER_HEARTBEAT", 200)
    for number in range(450):
        scheduler.executor.queue_workload(
            workload(task_id=f"t{number}", priority_weight=number), session=None
        )
    scheduler.executor.parallelism = 1000
    scheduler.executor.heartbeat()
    assert len(scheduler.executor.queued_tasks) == 250
    assert max(each.ti.priority_weight for each in scheduler.executor.queued_tasks.values()) == 249
    scheduler.run(60)
    assert scheduler.states().count("success") == 450
