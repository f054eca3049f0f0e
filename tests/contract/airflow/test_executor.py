"""The executor as the scheduler of each release loads and drives it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.log import Log
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from airflow_fargate.airflow_versions import RELEASE, statistics
from airflow_fargate.executor import FargateExecutor
from local_cloud import Behaviour, out_of_memory


@pytest.mark.point("Airflow's loader loads it from `[core] executor`; its constructor calls nothing")
def test_airflows_loader_loads_it_and_its_constructor_calls_nothing(scheduler: Any) -> None:
    """The API server makes executors, too: no AWS call and no thread before start()."""
    assert isinstance(scheduler.executor, FargateExecutor)
    assert sum(scheduler.world.plane.calls.values()) == 0
    assert FargateExecutor()._fleet is None


@pytest.mark.point(
    "a task is queued, launched and succeeds: the ARN with QUEUED, then SUCCESS, and a free slot"
)
def test_a_task_is_queued_launched_and_succeeds(scheduler: Any, task: Any) -> None:
    """The ARN is reported as external_executor_id, then success, and the slot is free."""
    one = task()
    scheduler.queue(one)
    assert scheduler.executor.slots_occupied == 1
    assert scheduler.executor.has_task(one.row)
    scheduler.run(30)
    (launched,) = scheduler.world.plane.tasks()
    assert scheduler.told() == [(one.key, "queued", launched.arn), (one.key, "success", launched.arn)]
    assert scheduler.executor.slots_occupied == 0


@pytest.mark.point(
    "a rescheduled or deferred task frees its slot without an event; a cleared one is a SUCCESS"
)
@pytest.mark.parametrize(("exit_code", "states"), [(81, ["queued"]), (82, ["queued", "success"])])
def test_a_task_that_resumes_or_was_cleared_is_not_a_failure(
    scheduler: Any, task: Any, exit_code: int, states: list[str]
) -> None:
    """An event after code 81 would end the next part, which has the same key; after 82 Airflow needs one."""
    scheduler.world.engine.default = Behaviour(run=5, exit_code=exit_code)
    one = task()
    scheduler.queue(one)
    scheduler.run(30)
    assert scheduler.states() == states
    assert scheduler.executor.slots_occupied == 0
    assert not scheduler.executor.has_task(one.row)


@pytest.mark.point("a failed task's event and event log have the reason and the remedy")
def test_a_task_killed_for_memory_says_so_in_the_event(scheduler: Any, task: Any) -> None:
    """The user sees the info of the FAILED event."""
    scheduler.world.engine.default = out_of_memory()
    scheduler.queue(task())
    scheduler.run(30)
    assert scheduler.states() == ["queued", "failed"]
    assert "ran out of memory at 512 MiB" in scheduler.events[-1][2]
    (logged,) = scheduler.executor._task_event_logs
    assert "ran out of memory" in logged.extra


@pytest.mark.point("the event log's entries are saved as the scheduler saves them")
def test_every_event_is_saved_as_the_scheduler_saves_them(scheduler: Any, task: Any) -> None:
    """Two at once, through the scheduler's own generator, because SQLAlchemy refers to them weakly."""
    scheduler.world.engine.default = out_of_memory()
    scheduler.queue(task(task_id="a"), task(task_id="b"))
    scheduler.run(30)
    engine = create_engine("sqlite://")
    Log.__table__.create(engine)
    records = scheduler.executor._task_event_logs
    assert len(records) == 2
    with Session(engine) as session:
        session.bulk_save_objects(
            objects=(records.popleft() for _ in range(len(records))), preserve_order=False
        )
        session.commit()
        saved = session.execute(select(Log.task_id, Log.extra)).all()
    assert {task_id for task_id, _ in saved} == {"a", "b"}
    assert all("ran out of memory" in extra for _, extra in saved)


@pytest.mark.point("`executor_config` and the queue's profile size the task")
def test_executor_config_and_queue_profiles_size_the_task(scheduler: Any, task: Any) -> None:
    """The task's own options take precedence over its queue's profile."""
    scheduler.queue(task(queue="big", executor_config={"memory": 8192, "tags": {"team": "data"}}))
    launched = scheduler.launch()
    assert (launched.cpu, launched.memory) == ("1024", "8192")
    assert ("team", "data") in launched.tags


@pytest.mark.point("a wrong `executor_config` fails only that task, with the remedy")
@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"cpu": 300, "memory": 512}, "the nearest is cpu=512, memory=1024"),
        ({"memori": 512}, "Did you mean memory?"),
        ({"cpu": "much"}, "got 'much'"),
    ],
)
def test_a_wrong_executor_config_fails_that_task_with_what_works(
    scheduler: Any, task: Any, given: dict[str, Any], fact: str
) -> None:
    """It fails before any call, with the nearest size or the key that was meant; the page lists it, too."""
    scheduler.queue(task(task_id="bad", executor_config=given), task(task_id="good"))
    scheduler.run(30)
    told = {key.task_id: (str(getattr(state, "value", state)), info) for key, state, info in scheduler.told()}
    assert told["bad"][0] == "failed"
    assert fact in told["bad"][1]
    assert told["good"][0] == "success"
    (listed,) = scheduler.executor._fleet.status.document(0.0)["failures"]
    assert listed["task_id"] == "bad"
    assert fact in listed["why"]


@pytest.mark.point("`revoke_task` frees the slot and stops the container, without an event")
def test_revoking_frees_the_slot_stops_the_container_and_adds_no_event(scheduler: Any, task: Any) -> None:
    """revoke_task removes the task everywhere and calls StopTask."""
    scheduler.world.engine.default = Behaviour(run=None)
    one = task()
    scheduler.queue(one)
    scheduler.run(10)
    scheduler.executor.revoke_task(ti=one.row)
    assert scheduler.executor.slots_occupied == 0
    scheduler.run(20)
    assert scheduler.states() == ["queued"]
    assert [each.last_status for each in scheduler.world.plane.tasks()] == ["STOPPED"]


@pytest.mark.point("no exception leaves a heartbeat, `end` or `terminate`")
def test_no_exception_leaves_a_heartbeat(scheduler: Any, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler continues after any internal error."""

    def broken(*_: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(scheduler.executor._fleet, "sync", broken)
    monkeypatch.setattr(scheduler.executor._fleet, "launch", broken)
    one = task()
    scheduler.queue(one)
    scheduler.heartbeat()
    scheduler.heartbeat()
    assert scheduler.states() == ["failed"]
    scheduler.executor.end()
    scheduler.executor.terminate()


@pytest.mark.point("`end` leaves the containers running")
def test_end_leaves_containers_running(scheduler: Any, task: Any) -> None:
    """The next scheduler adopts them."""
    scheduler.world.engine.default = Behaviour(run=None)
    scheduler.queue(task())
    scheduler.run(10)
    scheduler.executor.end()
    assert [each.last_status for each in scheduler.world.plane.tasks()] == ["RUNNING"]


@pytest.mark.point("`get_task_log`: the running task's lines from CloudWatch")
def test_the_log_of_a_running_task_comes_from_its_stream(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """get_task_log returns the stream's name and its lines."""
    monkeypatch.setattr(
        "airflow_fargate.executor.shared_clients", lambda region: lambda service: scheduler.world.logs
    )
    arn = "arn:aws:ecs:us-east-1:123456789012:task/airflow/0123"
    messages, lines = scheduler.executor.get_task_log(SimpleNamespace(external_executor_id=arn), 1)
    assert "worker/0123" in messages[0]
    assert lines == ["one", "two"]


@pytest.mark.point("`get_streaming_task_log`: the same as streams", since=(3, 4))
def test_the_streaming_log_has_the_same_lines(scheduler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow 3.4 asks for streams first."""
    monkeypatch.setattr(
        "airflow_fargate.executor.shared_clients", lambda region: lambda service: scheduler.world.logs
    )
    arn = "arn:aws:ecs:us-east-1:123456789012:task/airflow/0123"
    messages, streams = scheduler.executor.get_streaming_task_log(
        SimpleNamespace(external_executor_id=arn), 1
    )
    assert "worker/0123" in messages[0]
    assert "one" in "".join(line for stream in streams for line in stream)


@pytest.mark.point("metrics go through Airflow's statistics, once per heartbeat")
def test_metrics_reach_airflows_statistics(
    scheduler: Any, task: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Gauges, counters and times, by the release's names."""
    sink, sent = statistics(), []
    for kind in ("gauge", "incr", "timing"):
        monkeypatch.setattr(sink, kind, lambda stat, *_, **__: sent.append(stat))
    scheduler.queue(task())
    scheduler.run(30)
    assert {"fargate.tasks", "fargate.launches", "fargate.launch_seconds"} <= set(sent)
    assert "failed while" not in caplog.text


@pytest.mark.point("a burst is handed over at once, within a time budget")
@pytest.mark.parametrize(("budget", "left"), [(1000.0, 0), (0.0, 149)])
def test_a_burst_is_handed_over_within_its_time_budget(
    scheduler: Any, task: Any, monkeypatch: pytest.MonkeyPatch, budget: float, left: int
) -> None:
    """Airflow may sleep after a heartbeat; the rest stays queued for the next."""
    monkeypatch.setattr("airflow_fargate.executor._TAKE_BUDGET_SECONDS", budget)
    tasks = [task(task_id=f"t{number}", priority_weight=number) for number in range(150)]
    scheduler.queue(*tasks)
    scheduler.executor.parallelism = 1000
    scheduler.heartbeat()
    waiting = [key for queue in scheduler.executor._queues() for key in queue]
    assert len(waiting) == left
    if left and RELEASE[:2] != (3, 2):  # 3.2 sorts the lightest to the front, a fault of its own
        assert set(waiting) == {each.key for each in tasks[:left]}
    monkeypatch.setattr("airflow_fargate.executor._TAKE_BUDGET_SECONDS", 1000.0)
    scheduler.run(60)
    assert scheduler.states().count("success") == 150


@pytest.mark.point("the token is made at launch, and is only in the payload", since=(3, 0))
def test_the_token_is_made_at_launch_and_only_in_the_payload(scheduler: Any, task: Any) -> None:
    """The token from queueing is replaced, and DescribeTasks shows neither."""
    scheduler.queue(task())
    launched = scheduler.launch()
    (document,) = (json.loads(body) for body in scheduler.world.s3.objects.values())
    token = document["workload"]["token"]
    assert token.count(".") == 2
    assert token not in json.dumps(launched.overrides)
    assert "queued-token" not in json.dumps(document)


@pytest.mark.point("the container gets the CLI's command (AIP-29)", until=(2, 11))
def test_the_container_gets_the_command_and_nothing_is_stored(scheduler: Any, task: Any) -> None:
    """``airflow tasks run DAG TASK RUN --local``, unchanged, without a payload."""
    one = task()
    scheduler.queue(one)
    launched = scheduler.launch()
    assert launched.overrides["containerOverrides"][0]["command"] == one.command
    assert scheduler.world.s3.objects == {}


@pytest.mark.point("a command is accepted as well as workloads", since=(3, 0), until=(3, 0))
def test_a_command_is_accepted_as_well_as_workloads(scheduler: Any, task: Any) -> None:
    """Airflow 3.0 still has ``queue_command``."""
    one = task()
    scheduler.executor.queue_command(one.row, one.command, priority=1, queue="default")
    launched = scheduler.launch()
    assert launched.overrides["containerOverrides"][0]["command"] == one.command


@pytest.mark.point("the flags that Airflow reads")
def test_the_flags_match_the_executors_features() -> None:
    """No flag promises what a container of the release cannot do."""
    executor = FargateExecutor()
    assert (executor.is_local, executor.is_production, executor.serve_logs) == (False, True, False)
    assert executor.supports_ad_hoc_ti_run
    if RELEASE >= (3, 4):
        kinds = {kind.value for kind in executor.supported_workload_types}
        assert kinds == {"ExecuteTask", "ExecuteCallback", "TestConnection"}
    else:
        assert executor.supports_callbacks is executor.supports_connection_test is (RELEASE >= (3, 3))
