"""Launches that are cancelled, or replaced, in every state in which that can happen."""

from __future__ import annotations

from botocore import exceptions

from airflow_fargate.tasks.launch import Attempt
from airflow_fargate.tasks.messages import Accepted, LaunchFailed
from unit.examples import an_attempt, client_error
from unit.launching.launcher_bench import Bench


def test_what_was_not_sent_is_not_launched() -> None:
    """No call; its end is posted, so that the registry lets go of it."""
    bench, attempt = Bench(), an_attempt()
    bench.launcher.submit(attempt)
    attempt.launch.cancelled = True
    bench.run(10)
    assert bench.ecs.requests == []
    assert [type(each) for each in bench.said] == [LaunchFailed]


def test_what_was_refused_is_given_up_with_its_payload() -> None:
    """Throttled, or without capacity: the object with the token goes before anything is called again."""
    for refusal in ("throttled", "capacity"):
        bench, attempt = Bench(), an_attempt()
        if refusal == "throttled":
            bench.fail(client_error("ThrottlingException"))
        else:
            bench.ecs.reject_for_capacity()
        bench.launcher.submit(attempt)
        bench.run()
        assert len(bench.s3.objects) == 1
        attempt.launch.cancelled = True
        bench.run(30)
        assert [type(each) for each in bench.said] == [LaunchFailed]
        assert len(bench.ecs.requests) == 1
        assert bench.s3.objects == {}


def test_what_may_have_been_started_is_asked_for_once_more() -> None:
    """Unknown outcome: RunTask tells the container, so that it can be stopped."""
    bench, attempt = Bench(), an_attempt()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"))
    bench.launcher.submit(attempt)
    bench.run()
    attempt.launch.cancelled = True
    bench.run(5)
    assert [type(each) for each in bench.said] == [Accepted]


def test_what_another_scheduler_has_adopted_keeps_its_payload() -> None:
    """The other one launches it with an object of the same name."""
    bench, attempt = Bench(), an_attempt()
    bench.ecs.reject_for_capacity()
    bench.launcher.submit(attempt)
    bench.run()
    attempt.launch.cancelled = attempt.launch.adopted_elsewhere = True
    bench.run(30)
    assert len(bench.ecs.requests) == 1
    assert len(bench.s3.objects) == 1


def test_a_launch_cancelled_and_made_again_is_launched() -> None:
    """The cancellation was of the first."""
    bench, first = Bench(), an_attempt()
    bench.launcher.submit(first)
    first.launch.cancelled = True
    bench.launcher.submit(an_attempt())
    bench.run()
    assert [type(each) for each in bench.said] == [Accepted]


def test_a_second_round_replaces_the_repeat_of_the_first() -> None:
    """Its container was seen to stop: only the new round is launched."""
    bench = Bench()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"))
    attempt = an_attempt()
    bench.launcher.submit(attempt)
    bench.run()
    again = Attempt(attempt.launch, 0, 1, attempt.deadline, round=1)
    bench.launcher.resubmit(again)
    bench.run(30)
    assert bench.tokens == ["-0", "-1.0"]
