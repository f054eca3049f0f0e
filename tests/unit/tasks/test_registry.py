"""The registry: messages in, decisions out."""

from __future__ import annotations

from airflow_fargate.tasks.messages import (
    Accepted,
    Finish,
    LaunchAgain,
    LaunchFailed,
    Missing,
    NotFound,
    Report,
    Stop,
)
from airflow_fargate.tasks.registry import MISSING_GRACE
from airflow_fargate.tasks.states import State
from airflow_fargate.tasks.verdict import Outcome
from unit.examples import ARN, a_launch, an_ecs_task, launch_id, stopped
from unit.tasks.registry_bench import NEVER_RAN, OTHER, Bench, outcome


def test_a_task_is_reported_once_and_finished_once() -> None:
    """Accepted, running, stopped; then the registry is empty."""
    bench = Bench()
    assert bench.accepted() == [Report("key-1", ARN)]
    assert bench.seen(an_ecs_task("RUNNING")) == []
    assert bench.state is State.RUNNING
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS
    assert len(bench.registry) == 0
    assert bench.registry.get("key-1") is None


def test_events_may_arrive_before_runtasks_answer() -> None:
    """All events, then RunTask's answer: one report, one end, no StopTask."""
    bench = Bench()
    assert bench.seen(an_ecs_task("RUNNING")) == [Report("key-1", ARN)]
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS
    assert bench.accepted() == []


def test_stale_and_repeated_changes_are_ignored() -> None:
    """Older versions and duplicates change nothing."""
    bench = Bench()
    bench.accepted()
    bench.seen(an_ecs_task("RUNNING", version=5))
    assert bench.seen(an_ecs_task("PENDING", version=3)) == []
    assert bench.seen(an_ecs_task("RUNNING", version=5)) == []
    assert bench.state is State.RUNNING
    assert outcome(bench.seen(stopped(0, version=9))) is Outcome.SUCCESS
    assert bench.seen(stopped(0, version=9)) == []


def test_a_change_without_a_version_keeps_the_last_version() -> None:
    """Older events are still ignored afterwards."""
    bench = Bench()
    bench.accepted()
    bench.seen(an_ecs_task("RUNNING", version=5))
    bench.seen(an_ecs_task("RUNNING", version=0))
    assert bench.seen(stopped(0, version=4)) == []
    assert bench.state is State.RUNNING


def test_messages_about_unknown_tasks_are_ignored() -> None:
    """For example another deployment's task, or an unknown ARN."""
    bench = Bench()
    unknown = an_ecs_task(taskArn=OTHER, startedBy="elsewhere/x")
    assert bench.seen(unknown) == []
    assert not bench.registry.tracks(unknown)
    assert not bench.registry.is_from_this_deployment(unknown)
    assert bench.registry.apply(Missing(OTHER)) == []
    assert bench.registry.apply(NotFound("unknown")) == []
    assert bench.registry.apply(LaunchFailed("unknown", "x")) == []


def test_a_task_is_tracked_before_the_answer_and_after_the_end() -> None:
    """By startedBy, then by ARN, and for a while after it ended, so that late events are recognized."""
    bench = Bench()
    assert bench.registry.tracks(an_ecs_task())
    bench.accepted()
    assert bench.registry.tracks(an_ecs_task(startedBy=""))
    bench.seen(stopped(0))
    assert bench.registry.tracks(an_ecs_task(startedBy=""))


def test_a_task_that_never_started_is_launched_again_in_a_new_round() -> None:
    """With a new token and the next capacity; later messages about the old container are ignored."""
    bench = Bench()
    bench.accepted(number=2, capacity=2)
    (again,) = bench.seen(stopped(None, NEVER_RAN))
    assert isinstance(again, LaunchAgain)
    assert (again.attempt.round, again.attempt.number, again.attempt.capacity) == (1, 0, 3)
    assert again.attempt.client_token == f"{launch_id()}-1.0"
    assert bench.state is State.LAUNCHING
    assert bench.seen(stopped(None, NEVER_RAN)) == []
    assert bench.registry.tracks(an_ecs_task(startedBy=f"airflow/{launch_id()}"))
    bench.attempt = again.attempt
    assert bench.accepted(an_ecs_task("RUNNING", taskArn=OTHER)) == [Report("key-1", OTHER)]
    assert outcome(bench.seen(stopped(0, taskArn=OTHER))) is Outcome.SUCCESS


def test_after_the_deadline_it_is_not_launched_again() -> None:
    """The failure has the number of containers that were tried, and the last cause."""
    bench = Bench()
    bench.accepted()
    bench.clock.advance(540)
    (finish,) = bench.seen(stopped(None, NEVER_RAN))
    assert finish.verdict.outcome is Outcome.FAILED
    assert "launch_timeout (1 container tried)" in str(finish.verdict.diagnosis)
    assert NEVER_RAN in str(finish.verdict.diagnosis)
    assert len(bench.registry) == 0


def test_a_task_that_ran_is_never_launched_again() -> None:
    """Even if its stop reason is that of a task that never started: Airflow decides about retries."""
    bench = Bench()
    bench.accepted()
    bench.seen(an_ecs_task("RUNNING"))
    decisions = bench.seen(stopped(None, NEVER_RAN))
    assert not any(isinstance(each, LaunchAgain) for each in decisions)
    assert len([each for each in decisions if isinstance(each, Finish)]) == 1


def test_a_failed_launch_ends_with_its_message() -> None:
    """The task fails with the launcher's reason."""
    bench = Bench()
    (finish,) = bench.registry.apply(LaunchFailed(launch_id(), "No such cluster."))
    assert str(finish.verdict.diagnosis) == "No such cluster."
    assert len(bench.registry) == 0


def test_a_failed_repeat_of_a_launch_with_a_container_is_ignored() -> None:
    """Events showed its container, so the failed repeat of RunTask does not matter."""
    bench = Bench()
    bench.seen(an_ecs_task("PENDING"))
    assert bench.registry.apply(LaunchFailed(launch_id(), "gave up")) == []
    assert bench.state is State.STARTING


def test_a_failed_repeat_of_an_earlier_round_is_ignored() -> None:
    """The task is being launched again, so the end of the old round does not matter."""
    bench = Bench()
    bench.seen(stopped(None, NEVER_RAN))
    assert bench.state is State.LAUNCHING
    assert bench.registry.apply(LaunchFailed(launch_id(), "gave up", round=0)) == []
    assert bench.accepted() == []
    assert bench.state is State.LAUNCHING
    assert outcome(bench.registry.apply(LaunchFailed(launch_id(), "gave up", round=1))) is Outcome.FAILED


def test_a_token_of_a_stopped_task_starts_the_next_round() -> None:
    """RunTask's answer to a new round is a container that is known to have stopped."""
    bench = Bench()
    (first,) = [each for each in bench.seen(stopped(None, NEVER_RAN)) if isinstance(each, LaunchAgain)]
    bench.attempt = first.attempt
    (again,) = bench.accepted(an_ecs_task("STOPPED", containers=[]))
    assert again.attempt.client_token == f"{launch_id()}-2.0"


def test_a_stopped_task_without_containers_is_described_at_once() -> None:
    """A repeated launch returns only the ARN, so the task is described at the next heartbeat."""
    bench = Bench()
    assert bench.accepted(an_ecs_task("STOPPED", version=0, containers=[])) == [Report("key-1", ARN)]
    (stale,) = bench.registry.stale(60.0, 100)
    assert stale.arn == ARN
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS


def test_a_second_container_is_stopped_and_changes_nothing() -> None:
    """The first container continues."""
    bench = Bench()
    bench.accepted()
    (stop,) = bench.seen(an_ecs_task("RUNNING", taskArn=OTHER))
    assert isinstance(stop, Stop)
    assert stop.arn == OTHER
    assert bench.seen(stopped(1, taskArn=OTHER)) == []
    assert bench.accepted(an_ecs_task("RUNNING", taskArn=OTHER)) == [Stop(OTHER, stop.reason)]
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS


# --- absence ------------------------------------------------------------------------------------------------


def test_a_task_is_lost_after_a_grace_period() -> None:
    """MISSING once is ignored; MISSING for two minutes is an unknown end."""
    bench = Bench()
    bench.accepted()
    assert bench.registry.apply(Missing(ARN)) == []
    bench.clock.advance(MISSING_GRACE - 1)
    assert bench.registry.apply(Missing(ARN)) == []
    bench.clock.advance(1)
    (finish,) = bench.registry.apply(Missing(ARN))
    assert "is unknown" in str(finish.verdict.diagnosis)


def test_a_task_that_is_seen_again_is_not_lost() -> None:
    """The grace period starts again."""
    bench = Bench()
    bench.accepted()
    bench.registry.apply(Missing(ARN))
    bench.clock.advance(MISSING_GRACE)
    bench.seen(an_ecs_task("RUNNING"))
    assert bench.registry.apply(Missing(ARN)) == []


def test_stale_tasks_are_described_oldest_first_and_once() -> None:
    """Not tasks in the launcher, not tasks with recent changes, and not twice within the interval."""
    bench = Bench()
    bench.accepted()
    bench.registry.launch(a_launch(2), 540.0)
    bench.clock.advance(30)
    bench.registry.launch(a_launch(3), 540.0)
    bench.registry.apply(
        Accepted(launch_id(3), an_ecs_task(taskArn=OTHER, startedBy=f"airflow/{launch_id(3)}"))
    )
    bench.clock.advance(30)
    assert [task.key for task in bench.registry.stale(60.0, 100)] == ["key-1"]
    assert bench.registry.stale(60.0, 100) == []
    bench.clock.advance(30)
    assert [task.key for task in bench.registry.stale(60.0, 100)] == ["key-3"]


def test_no_more_tasks_are_described_than_the_limit() -> None:
    """The rest follows at the next heartbeat."""
    bench = Bench(launched=False)
    for number in range(5):
        bench.registry.adopt(f"key-{number}", f"{ARN}{number}", f"{ARN}{number}", None, 0.0)
    assert [len(bench.registry.stale(60.0, 3)) for _ in range(3)] == [3, 2, 0]


def test_the_repr_counts_tasks_by_state() -> None:
    """It is for debugging."""
    bench = Bench()
    bench.registry.launch(a_launch(2), 1.0)
    bench.accepted()
    assert repr(bench.registry) == "<Registry LAUNCHING=1 STARTING=1>"
