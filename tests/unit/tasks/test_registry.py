"""What is known of every task: messages in, decisions out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.tasks.messages import (
    Accepted,
    Delayed,
    Finish,
    LaunchAgain,
    LaunchFailed,
    Missing,
    NotFound,
    Release,
    Report,
    Seen,
    Stop,
    Waiting,
)
from airflow_fargate.tasks.registry import MISSING_GRACE, Registry
from airflow_fargate.tasks.states import State
from airflow_fargate.tasks.verdict import Outcome
from airflow_fargate.testing import ManualClock
from unit.examples import ARN, a_launch, an_ecs_task, launch_id, stopped

if TYPE_CHECKING:
    from airflow_fargate.aws.ecs_task import EcsTask
    from airflow_fargate.tasks.launch import Attempt

OTHER = ARN[:-1] + "0"
NEVER_RAN = "Timeout waiting for network interface provisioning to complete."


class Bench:
    """A registry with its clock, and one launch in it."""

    def __init__(self, *, launched: bool = True) -> None:
        self.clock = ManualClock()
        self.registry: Any = Registry("worker", "airflow", self.clock.monotonic)
        self.attempt: Attempt | None = self.registry.launch(a_launch(), 540.0) if launched else None

    def seen(self, ecs_task: EcsTask) -> Any:
        return self.registry.apply(Seen(ecs_task))

    def accepted(self, ecs_task: EcsTask | None = None, **changes: Any) -> Any:
        attempt = replace(self.attempt, **changes) if self.attempt and changes else self.attempt
        return self.registry.apply(
            Accepted(launch_id(), ecs_task or an_ecs_task("PROVISIONING", version=1), attempt)
        )

    @property
    def state(self) -> Any:
        task = self.registry.get("key-1")
        assert task is not None
        return task.state


def outcome(decisions: list[Any]) -> Outcome:
    """Return the outcome of the one task that ended."""
    (only,) = [each for each in decisions if isinstance(each, Finish)]
    return only.verdict.outcome


def test_a_life_is_reported_once_and_finished_once() -> None:
    """Accepted, running, stopped; then the registry is empty."""
    bench = Bench()
    assert bench.accepted() == [Report("key-1", ARN)]
    assert bench.seen(an_ecs_task("RUNNING")) == []
    assert bench.state is State.RUNNING
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS
    assert len(bench.registry) == 0
    assert bench.registry.get("key-1") is None


def test_events_before_the_answer_tell_the_same() -> None:
    """The whole life by events, then RunTask's answer: one report, one end, no StopTask."""
    bench = Bench()
    assert bench.seen(an_ecs_task("RUNNING")) == [Report("key-1", ARN)]
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS
    assert bench.accepted() == []


def test_stale_and_repeated_changes_are_nothing() -> None:
    """Older versions and duplicates neither move nor end a task."""
    bench = Bench()
    bench.accepted()
    bench.seen(an_ecs_task("RUNNING", version=5))
    assert bench.seen(an_ecs_task("PENDING", version=3)) == []
    assert bench.seen(an_ecs_task("RUNNING", version=5)) == []
    assert bench.state is State.RUNNING
    assert outcome(bench.seen(stopped(0, version=9))) is Outcome.SUCCESS
    assert bench.seen(stopped(0, version=9)) == []


def test_a_change_without_a_version_does_not_turn_back_the_clock() -> None:
    """A source that says no version does not make older events count again."""
    bench = Bench()
    bench.accepted()
    bench.seen(an_ecs_task("RUNNING", version=5))
    bench.seen(an_ecs_task("RUNNING", version=0))
    assert bench.seen(stopped(0, version=4)) == []
    assert bench.state is State.RUNNING


def test_a_stranger_is_nothing() -> None:
    """Another deployment's task, and an ARN that nobody launched."""
    bench = Bench()
    stranger = an_ecs_task(taskArn=OTHER, startedBy="elsewhere/x")
    assert bench.seen(stranger) == []
    assert not bench.registry.tracks(stranger)
    assert not bench.registry.is_from_this_deployment(stranger)
    assert bench.registry.apply(Missing(OTHER)) == []
    assert bench.registry.apply(NotFound("unknown")) == []
    assert bench.registry.apply(LaunchFailed("unknown", "x")) == []


def test_what_it_owns_it_owns_before_the_answer_and_after_the_end() -> None:
    """By startedBy, by ARN, and by having ended lately: late events are no stranger's."""
    bench = Bench()
    assert bench.registry.tracks(an_ecs_task())
    bench.accepted()
    assert bench.registry.tracks(an_ecs_task(startedBy=""))
    bench.seen(stopped(0))
    assert bench.registry.tracks(an_ecs_task(startedBy=""))


def test_what_never_started_is_launched_again_in_a_new_round() -> None:
    """A new token, the next capacity, and what is still said of the old container is ignored."""
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
    """The budget is spent: the failure is told, with how many containers were tried and the last cause."""
    bench = Bench()
    bench.accepted()
    bench.clock.advance(540)
    (told,) = bench.seen(stopped(None, NEVER_RAN))
    assert told.verdict.outcome is Outcome.FAILED
    assert "launch_timeout (1 container tried)" in str(told.verdict.diagnosis)
    assert NEVER_RAN in str(told.verdict.diagnosis)
    assert len(bench.registry) == 0


def test_what_ran_is_never_launched_again() -> None:
    """Seen running, then a stop that reads as if it never had: Airflow decides."""
    bench = Bench()
    bench.accepted()
    bench.seen(an_ecs_task("RUNNING"))
    decisions = bench.seen(stopped(None, NEVER_RAN))
    assert not any(isinstance(each, LaunchAgain) for each in decisions)
    assert len([each for each in decisions if isinstance(each, Finish)]) == 1


def test_a_refused_launch_ends_with_its_sentence() -> None:
    """What the launcher gave up is told."""
    bench = Bench()
    (told,) = bench.registry.apply(LaunchFailed(launch_id(), "No such cluster."))
    assert str(told.verdict.diagnosis) == "No such cluster."
    assert len(bench.registry) == 0


def test_the_repeat_of_a_launch_that_was_seen_ends_nothing() -> None:
    """Events showed its container; the repeat of RunTask was given up: the container counts."""
    bench = Bench()
    bench.seen(an_ecs_task("PENDING"))
    assert bench.registry.apply(LaunchFailed(launch_id(), "gave up")) == []
    assert bench.state is State.STARTING


def test_the_repeat_of_an_earlier_round_ends_nothing() -> None:
    """Its container never started and it is being launched again: the old round's end says nothing."""
    bench = Bench()
    bench.seen(stopped(None, NEVER_RAN))
    assert bench.state is State.LAUNCHING
    assert bench.registry.apply(LaunchFailed(launch_id(), "gave up", round=0)) == []
    assert bench.accepted() == []
    assert bench.state is State.LAUNCHING
    assert outcome(bench.registry.apply(LaunchFailed(launch_id(), "gave up", round=1))) is Outcome.FAILED


def test_a_token_that_stands_for_a_stopped_task_is_left_behind() -> None:
    """The answer to a new round is a container that we know has stopped: the next round."""
    bench = Bench()
    (first,) = [each for each in bench.seen(stopped(None, NEVER_RAN)) if isinstance(each, LaunchAgain)]
    bench.attempt = first.attempt
    (again,) = bench.accepted(an_ecs_task("STOPPED", containers=[]))
    assert again.attempt.client_token == f"{launch_id()}-2.0"


def test_the_bare_answer_of_a_repeat_is_asked_for_at_once() -> None:
    """ARN and STOPPED alone are no verdict: the task is described at the next heartbeat."""
    bench = Bench()
    assert bench.accepted(an_ecs_task("STOPPED", version=0, containers=[])) == [Report("key-1", ARN)]
    (stale,) = bench.registry.stale(60.0, 100)
    assert stale.arn == ARN
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS


def test_a_second_container_is_stopped_and_changes_nothing() -> None:
    """The one that we know goes on."""
    bench = Bench()
    bench.accepted()
    (stop,) = bench.seen(an_ecs_task("RUNNING", taskArn=OTHER))
    assert isinstance(stop, Stop)
    assert stop.arn == OTHER
    assert bench.seen(stopped(1, taskArn=OTHER)) == []
    assert bench.accepted(an_ecs_task("RUNNING", taskArn=OTHER)) == [Stop(OTHER, stop.reason)]
    assert outcome(bench.seen(stopped(0))) is Outcome.SUCCESS


# --- absence ------------------------------------------------------------------------------------------------


def test_an_absence_counts_after_a_grace_period() -> None:
    """MISSING once is nothing, MISSING for two minutes is an end that is not known."""
    bench = Bench()
    bench.accepted()
    assert bench.registry.apply(Missing(ARN)) == []
    bench.clock.advance(MISSING_GRACE - 1)
    assert bench.registry.apply(Missing(ARN)) == []
    bench.clock.advance(1)
    (told,) = bench.registry.apply(Missing(ARN))
    assert "is unknown" in str(told.verdict.diagnosis)


def test_news_end_an_absence() -> None:
    """Seen in between: the grace period begins anew."""
    bench = Bench()
    bench.accepted()
    bench.registry.apply(Missing(ARN))
    bench.clock.advance(MISSING_GRACE)
    bench.seen(an_ecs_task("RUNNING"))
    assert bench.registry.apply(Missing(ARN)) == []


def test_the_silent_are_asked_for_oldest_first_and_once() -> None:
    """Not what the launcher holds, not what was heard of, not twice within the interval."""
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


def test_no_more_are_asked_for_than_the_limit() -> None:
    """The rest at the next heartbeat."""
    bench = Bench(launched=False)
    for number in range(5):
        bench.registry.adopt(f"key-{number}", f"{ARN}{number}", f"{ARN}{number}", None, 0.0)
    assert [len(bench.registry.stale(60.0, 3)) for _ in range(3)] == [3, 2, 0]


# --- revoking -----------------------------------------------------------------------------------------------


def test_what_is_revoked_is_stopped_and_not_spoken_of() -> None:
    """StopTask now; its end is silent and frees everything."""
    bench = Bench()
    bench.accepted()
    assert bench.registry.revoke("key-1", "cleared") == [Stop(ARN, "cleared")]
    assert bench.registry.get("key-1") is None
    assert bench.registry.revoke("key-1", "again") == []
    assert bench.seen(stopped(143, stopCode="UserInitiated")) == []
    assert len(bench.registry) == 0


@pytest.mark.parametrize("stopped_already", [True, False])
def test_revoked_before_the_answer_it_is_stopped_with_it(stopped_already: bool) -> None:  # noqa: FBT001
    """The container that comes after all is stopped; one that has stopped is left alone."""
    bench = Bench()
    assert bench.registry.revoke("key-1", "cleared") == []
    decisions = bench.accepted(stopped(0) if stopped_already else None)
    assert [type(each) for each in decisions] == ([] if stopped_already else [Stop])


def test_a_revoked_launch_is_cancelled_and_goes_when_the_launcher_lets_go_of_it() -> None:
    """The flag is on the launch, where the launcher looks; its end is not told."""
    bench = Bench()
    bench.registry.revoke("key-1", "cleared")
    assert bench.attempt is not None
    assert bench.attempt.launch.cancelled
    assert bench.registry.apply(LaunchFailed(launch_id(), "Airflow no longer wants this task.")) == []
    assert len(bench.registry) == 0


def test_what_another_scheduler_has_adopted_is_forgotten_and_not_stopped() -> None:
    """Its container is the other one's: RunTask's late answer and its events are nothing here."""
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
    """Cleared while it waited, or failed by Airflow while it ran: stopped, and never spoken of again."""
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


def test_the_same_try_that_comes_back_replaces_nothing() -> None:
    """A task that deferred: its first container ends by itself, and uploads its log first."""
    bench = Bench(launched=False)
    bench.registry.launch(a_launch(key="try 1", subject="task"), 540.0)
    assert bench.registry.supersede("task", "try 1") == []


def test_what_a_launch_waits_for_is_shown() -> None:
    """Unless nobody waits for it any more."""
    bench = Bench()
    assert bench.registry.apply(Delayed(launch_id(), "no capacity")) == [Waiting("key-1", "no capacity")]
    bench.registry.revoke("key-1", "cleared")
    assert bench.registry.apply(Delayed(launch_id(), "no capacity")) == []


def test_why_a_revoked_task_failed_by_itself_is_told() -> None:
    """Airflow had failed the key already (2.11, at once): only the reason is of use; our own stop is none."""
    bench = Bench()
    bench.accepted()
    bench.registry.revoke("key-1", "failed by Airflow")
    (told,) = bench.seen(stopped(137, "OutOfMemoryError: killed"))
    assert told.is_known
    assert told.verdict.outcome is Outcome.FAILED
    assert len(bench.registry) == 0


def test_what_is_revoked_is_not_launched_again() -> None:
    """It never started, and nobody wants it."""
    bench = Bench()
    bench.accepted()
    bench.registry.revoke("key-1", "cleared")
    assert bench.seen(stopped(None, NEVER_RAN)) == []
    assert len(bench.registry) == 0


def test_a_revoked_container_that_still_runs_is_stopped_again() -> None:
    """StopTask was lost: the next news of it asks once more; on its way down it is left alone."""
    bench = Bench()
    bench.accepted()
    bench.registry.revoke("key-1", "cleared")
    assert [type(each) for each in bench.seen(an_ecs_task("RUNNING"))] == [Stop]
    assert bench.seen(an_ecs_task("DEPROVISIONING", version=8)) == []


def test_a_key_that_was_queued_again_belongs_to_the_later_launch() -> None:
    """A task resumes after deferral while its first container ends: that end is not told."""
    bench = Bench()
    bench.accepted()
    bench.registry.launch(a_launch(2, key="key-1"), 540.0)
    assert bench.seen(stopped(0)) == []
    assert bench.state is State.LAUNCHING
    assert len(bench.registry) == 1


# --- adoption -----------------------------------------------------------------------------------------------


def adopting(arn: str = "", *, may_launch: bool = False) -> Bench:
    """Return a registry that has adopted one task."""
    bench = Bench(launched=False)
    launch = a_launch() if may_launch else None
    bench.registry.adopt("key-1", arn or launch_id(), arn, launch, 540.0)
    return bench


@pytest.mark.parametrize("arn", [ARN, ""])
def test_an_adopted_task_is_asked_for_at_once(arn: str) -> None:
    """By ARN or by launch id, at the next heartbeat."""
    (task,) = adopting(arn).registry.stale(60.0, 100)
    assert (task.arn, task.state) == (arn, State.SOUGHT)


@pytest.mark.parametrize("arn", [ARN, ""])
def test_an_adopted_task_that_is_found_is_reported_and_followed(arn: str) -> None:
    """Its container is told to Airflow, and its end; by its launch id too, when only the ARN was known."""
    bench = adopting(arn)
    assert bench.seen(an_ecs_task("RUNNING")) == [Report("key-1", ARN)]
    assert bench.registry.tracks(an_ecs_task(taskArn=OTHER))
    assert [task.launch_id for task in bench.registry] == [launch_id()]
    assert bench.registry.stale(60.0, 10) == []
    assert outcome(bench.seen(stopped(1))) is Outcome.FAILED
    assert len(bench.registry) == 0


def test_an_adopted_task_that_was_never_launched_is_launched() -> None:
    """Not found, and it may be: its first attempt."""
    bench = adopting(may_launch=True)
    (again,) = bench.registry.apply(NotFound(launch_id()))
    assert again.attempt.client_token == f"{launch_id()}-0"
    assert bench.registry.apply(NotFound(launch_id())) == []


def test_an_adopted_task_that_airflow_has_as_running_and_that_runs_nowhere_is_left_to_airflow() -> None:
    """Another executor's id (a deployment that was switched): its slot is freed, Airflow told nothing."""
    bench = adopting()
    assert bench.registry.apply(NotFound(launch_id())) == []
    bench.clock.advance(MISSING_GRACE)
    assert bench.registry.apply(NotFound(launch_id())) == [Release("key-1")]
    assert len(bench.registry) == 0


def test_an_adopted_task_that_cannot_be_launched_is_failed_with_the_reason() -> None:
    """Its executor_config is wrong by now: found nowhere, it is told why it is not launched."""
    bench = Bench(launched=False)
    bench.registry.adopt("key-1", launch_id(), "", None, 540.0, unlaunchable="cpu must be positive")
    (told,) = bench.registry.apply(NotFound(launch_id()))
    assert told.verdict.outcome is Outcome.FAILED
    assert str(told.verdict.diagnosis) == "cpu must be positive"


def test_an_adopted_task_that_is_revoked_is_stopped_when_it_is_found() -> None:
    """And not launched when it is not."""
    bench = adopting(may_launch=True)
    bench.registry.revoke("key-1", "cleared")
    assert bench.registry.apply(NotFound(launch_id())) == []
    assert [type(each) for each in bench.seen(an_ecs_task("RUNNING"))] == [Stop]


def test_it_says_what_it_holds() -> None:
    """Repr is for debugging: counts by state."""
    bench = Bench()
    bench.registry.launch(a_launch(2), 1.0)
    bench.accepted()
    assert repr(bench.registry) == "<Registry LAUNCHING=1 STARTING=1>"
