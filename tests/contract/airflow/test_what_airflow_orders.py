"""Tasks that Airflow clears, fails or drops, in every release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils.state import TaskInstanceState

from airflow_fargate import airflow_versions
from local_cloud import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_task_that_airflow_fails_is_stopped(scheduler: Any, task: Any) -> None:
    """After a missing heartbeat, the container must not run while the task is retried."""
    scheduler.world.engine.default = Behaviour(run=None)
    queued = task()
    scheduler.queue(queued)
    scheduler.run(30)
    scheduler.executor.change_state(queued.key, TaskInstanceState.FAILED, remove_running=True)
    scheduler.executor.get_event_buffer()
    scheduler.run(60)
    (container,) = scheduler.world.plane.tasks()
    assert container.last_status == "STOPPED"
    assert container.stop_code == "UserInitiated"
    assert scheduler.states().count("failed") == 0
    assert scheduler.executor.running == set()


@pytest.mark.parametrize("waits", [True, False])
def test_a_later_try_ends_an_earlier_one(scheduler: Any, task: Any, waits: bool) -> None:  # noqa: FBT001
    """While the first try waits for its launch, and while its container runs."""
    scheduler.world.engine.default = Behaviour(run=None)
    first, second = task(try_number=1), task(try_number=2)
    scheduler.queue(first)
    if not waits:
        scheduler.run(30)
    scheduler.queue(second)
    scheduler.run(30)
    assert scheduler.executor.running == {second.key}
    living = [each for each in scheduler.world.plane.tasks() if each.last_status != "STOPPED"]
    assert len(living) == 1
    arns = [info for key, _, info in scheduler.told() if key == second.key]
    assert arns == [living[0].arn]
    late = [key for key, *_ in scheduler.told() if key == first.key]
    assert len(late) == (0 if waits else 1)


def test_a_workload_that_cannot_be_read_fails_alone(
    scheduler: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat raises nothing, and the other workloads are launched."""
    bad, good = task(task_id="bad"), task(task_id="good")
    read: Callable[..., Any] = airflow_versions.work_of

    def work_of(item: Any, *args: Any, **kwargs: Any) -> Any:
        work = read(item, *args, **kwargs)
        if work.key == bad.key:
            raise RuntimeError("a field that nobody expected")
        return work

    monkeypatch.setattr(airflow_versions, "work_of", work_of)
    scheduler.queue(bad, good)
    scheduler.run(60)
    ends = {key.task_id: state for key, state, _ in scheduler.told()}
    assert ends == {"bad": TaskInstanceState.FAILED, "good": TaskInstanceState.SUCCESS}
    assert scheduler.executor.running == set()


def test_an_invalid_task_option_fails_that_task_only(scheduler: Any, task: Any) -> None:
    """Nothing is launched for it, and the user sees the message."""
    scheduler.queue(task(task_id="bad", executor_config={"cpu": "many"}), task(task_id="good"))
    scheduler.run(60)
    told = {key.task_id: (str(state), info) for key, state, info in scheduler.told()}
    assert "cpu" in told["bad"][1]
    assert len(scheduler.world.plane.tasks()) == 1


def test_a_failing_event_log_does_not_hide_the_end(
    scheduler: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is reported first."""

    def broken(**_: Any) -> None:
        raise RuntimeError("no event log")

    scheduler.world.engine.default = Behaviour(exit_code=66)
    monkeypatch.setattr(scheduler.executor, "log_task_event", broken)
    scheduler.queue(task())
    scheduler.run(60)
    assert scheduler.states().count("failed") == 1
    assert scheduler.executor.running == set()


def test_the_reason_reaches_the_event_log_after_airflow_failed_the_task(scheduler: Any, task: Any) -> None:
    """The diagnosis is an event, without a second failure."""
    scheduler.world.engine.default = Behaviour(run=None)
    queued = task()
    scheduler.queue(queued)
    scheduler.run(30)
    scheduler.world.engine.exit_now(scheduler.world.plane.tasks()[0].arn, 137)
    scheduler.world.clock.advance(1)
    scheduler.executor.change_state(queued.key, TaskInstanceState.FAILED, remove_running=True)
    scheduler.executor.get_event_buffer()
    scheduler.run(60)
    assert scheduler.states().count("failed") == 0
    events = [each.extra for each in scheduler.executor._task_event_logs if each.event == "fargate"]
    assert len(events) == 1
    assert "one\ntwo" in events[0]


def test_a_failing_metric_does_not_hide_the_end(
    scheduler: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics are sent separately."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no metrics")

    monkeypatch.setattr(scheduler.executor._fleet.metrics, "timeline", broken)
    scheduler.queue(task())
    scheduler.run(60)
    assert scheduler.states().count("success") == 1


@pytest.mark.point("a connection test that Airflow gives up is not launched", since=(3, 3), until=(3, 3))
def test_a_connection_test_that_airflow_gives_up_is_not_launched(scheduler: Any) -> None:
    """It takes neither a container nor a slot."""
    from contract_airflow import connection_test  # noqa: PLC0415  imports Airflow

    asked = connection_test()
    scheduler.executor.queue_workload(asked, session=None)
    scheduler.heartbeat()
    scheduler.executor.fail_connection_test(asked.key)
    scheduler.run(30)
    assert list(scheduler.world.plane.tasks()) == []
    assert scheduler.executor.running == set()


@pytest.mark.point("a team's misspelt option is rejected", since=(3, 2))
def test_a_misspelt_option_of_a_team_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, without a bucket, tokens would be in the override."""
    from airflow_fargate import FargateExecutor  # noqa: PLC0415  imports Airflow

    monkeypatch.setenv("AIRFLOW__DATA___FARGATE__PAYLOAD_BUKET", "payloads")
    executor = FargateExecutor(parallelism=8, team_name="data")
    with pytest.raises(
        SystemExit, match=r"(?s)cannot start for team 'data'.*payload_buket' is not an option.*payload_bucket"
    ):
        executor.start()


@pytest.mark.point("with other executors, an id is used only if Airflow assigned it", since=(3, 2))
@pytest.mark.parametrize(
    ("executors", "trusted"),
    [
        ("airflow_fargate.FargateExecutor", True),
        ("LocalExecutor,airflow_fargate.FargateExecutor", False),
        ("airflow_fargate.FargateExecutor,mine:LocalExecutor", False),
    ],
)
def test_an_id_is_trusted_only_if_every_executor_uses_them(
    monkeypatch: pytest.MonkeyPatch,
    executors: str,
    trusted: bool,  # noqa: FBT001
) -> None:
    """For a task that names its executor's class, Airflow assigns no id and keeps the last one."""
    from airflow.executors import executor_loader  # noqa: PLC0415  imports Airflow

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executors)
    for name in ("_executor_names", "_alias_to_executors", "_team_name_to_executors"):
        if hasattr(executor_loader, name):
            getattr(executor_loader, name).clear()
    assigned = airflow_versions.RELEASE >= (3, 2, 2)
    assert airflow_versions.assigns_ids_to_all() is (trusted and assigned)
