"""The registry when Airflow drops a task: it revokes it, clears it, or queues a later try."""

from __future__ import annotations

import pytest

from airflow_fargate.tasks.messages import Delayed, LaunchFailed, Release, Report, Stop, Waiting
from airflow_fargate.tasks.states import State
from airflow_fargate.tasks.verdict import Outcome
from unit.examples import ARN, a_launch, an_ecs_task, launch_id, stopped
from unit.tasks.registry_bench import NEVER_RAN, Bench


def test_a_revoked_task_is_stopped_and_not_reported() -> None:
    """StopTask is sent at once, and its end is not reported."""
    bench = Bench()
    bench.accepted()
    assert bench.registry.revoke("key-1", "cleared") == [Stop(ARN, "cleared")]
    assert bench.registry.get("key-1") is None
    assert bench.registry.revoke("key-1", "again") == []
    assert bench.seen(stopped(143, stopCode="UserInitiated")) == []
    assert len(bench.registry) == 0


@pytest.mark.parametrize("stopped_already", [True, False])
def test_a_task_revoked_before_runtasks_answer_is_stopped(stopped_already: bool) -> None:  # noqa: FBT001
    """Its container is stopped as soon as it is known, unless it has already stopped."""
    bench = Bench()
    assert bench.registry.revoke("key-1", "cleared") == []
    decisions = bench.accepted(stopped(0) if stopped_already else None)
    assert [type(each) for each in decisions] == ([] if stopped_already else [Stop])


def test_a_revoked_launch_is_cancelled_and_ends_in_the_launcher() -> None:
    """The flag is on the launch, where the launcher sees it; its end is not reported."""
    bench = Bench()
    bench.registry.revoke("key-1", "cleared")
    assert bench.attempt is not None
    assert bench.attempt.launch.cancelled
    assert bench.registry.apply(LaunchFailed(launch_id(), "Airflow no longer wants this task.")) == []
    assert len(bench.registry) == 0


def test_a_task_adopted_by_another_scheduler_is_dropped_and_not_stopped() -> None:
    """RunTask's late answer and later events are ignored here."""
    bench = Bench()
    bench.registry.disown("key-1")
    bench.registry.disown("key-1")
    assert bench.attempt is not None
    assert bench.attempt.launch.adopted_elsewhere
    assert bench.accepted() == []
    assert bench.seen(an_ecs_task("RUNNING")) == []
    assert not bench.registry.tracks(an_ecs_task("RUNNING"))
    assert len(bench.registry) == 0


@pytest.mark.parametrize("accepted", [True, False])
def test_a_later_try_replaces_an_earlier_one(accepted: bool) -> None:  # noqa: FBT001
    """The earlier try is stopped and no longer reported."""
    bench = Bench(launched=False)
    launch = a_launch(key="try 1", subject="task")
    bench.attempt = bench.registry.launch(launch, 540.0)
    if accepted:
        bench.accepted()
    released, *stops = bench.registry.supersede("task", "try 2")
    assert released == Release("try 1")
    assert [each.arn for each in stops] == ([ARN] if accepted else [])
    assert launch.cancelled
    assert bench.registry.supersede("task", "try 2") == []
    later = a_launch(2, key="try 2", subject="task")
    bench.registry.launch(later, 540.0)
    assert bench.registry.supersede("task", "try 2") == []
    decisions = bench.seen(an_ecs_task("RUNNING"))
    assert not [each for each in decisions if isinstance(each, Report)]
    assert bench.seen(stopped(143)) == []
    assert not later.cancelled


def test_a_try_that_resumes_replaces_nothing() -> None:
    """After deferral, the first container ends by itself, because it still uploads its log."""
    bench = Bench(launched=False)
    bench.registry.launch(a_launch(key="try 1", subject="task"), 540.0)
    assert bench.registry.supersede("task", "try 1") == []


def test_the_reason_of_a_delayed_launch_is_shown() -> None:
    """Except for a revoked task."""
    bench = Bench()
    assert bench.registry.apply(Delayed(launch_id(), "no capacity")) == [Waiting("key-1", "no capacity")]
    bench.registry.revoke("key-1", "cleared")
    assert bench.registry.apply(Delayed(launch_id(), "no capacity")) == []


def test_the_reason_of_a_revoked_task_that_failed_is_reported() -> None:
    """Airflow has already failed the key; only the reason is still useful."""
    bench = Bench()
    bench.accepted()
    bench.registry.revoke("key-1", "failed by Airflow")
    (finish,) = bench.seen(stopped(137, "OutOfMemoryError: killed"))
    assert finish.is_known
    assert finish.verdict.outcome is Outcome.FAILED
    assert len(bench.registry) == 0


def test_a_revoked_task_is_not_launched_again() -> None:
    """Even if its container never started."""
    bench = Bench()
    bench.accepted()
    bench.registry.revoke("key-1", "cleared")
    assert bench.seen(stopped(None, NEVER_RAN)) == []
    assert len(bench.registry) == 0


def test_a_revoked_container_that_still_runs_is_stopped_again() -> None:
    """If StopTask was lost, the next change sends it again, unless the task is already stopping."""
    bench = Bench()
    bench.accepted()
    bench.registry.revoke("key-1", "cleared")
    assert [type(each) for each in bench.seen(an_ecs_task("RUNNING"))] == [Stop]
    assert bench.seen(an_ecs_task("DEPROVISIONING", version=8)) == []


def test_a_key_that_was_queued_again_belongs_to_the_later_launch() -> None:
    """A task resumes after deferral while its first container ends, whose end is not reported."""
    bench = Bench()
    bench.accepted()
    bench.registry.launch(a_launch(2, key="key-1"), 540.0)
    assert bench.seen(stopped(0)) == []
    assert bench.state is State.LAUNCHING
    assert len(bench.registry) == 1
