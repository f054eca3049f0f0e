"""Launches that are cancelled or replaced, in every state."""

from __future__ import annotations

from botocore import exceptions

from airflow_fargate.tasks.launch import Attempt
from airflow_fargate.tasks.messages import Accepted, LaunchFailed
from unit.examples import an_attempt, client_error
from unit.launching.launcher_bench import Bench


def test_a_cancelled_launch_that_was_not_sent_is_not_launched() -> None:
    """Its end is posted, so that the registry drops it."""
    bench, attempt = Bench(), an_attempt()
    bench.launcher.submit(attempt)
    attempt.launch.cancelled = True
    bench.run(10)
    assert bench.ecs.requests == []
    assert [type(each) for each in bench.said] == [LaunchFailed]


def test_a_cancelled_launch_that_was_rejected_is_dropped() -> None:
    """Its payload is removed before any other call."""
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


def test_a_cancelled_launch_with_an_unknown_outcome_is_repeated() -> None:
    """RunTask returns its container, so that it can be stopped."""
    bench, attempt = Bench(), an_attempt()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"))
    bench.launcher.submit(attempt)
    bench.run()
    attempt.launch.cancelled = True
    bench.run(5)
    assert [type(each) for each in bench.said] == [Accepted]


def test_a_launch_adopted_by_another_scheduler_keeps_its_payload() -> None:
    """The other scheduler uses an object with the same name."""
    bench, attempt = Bench(), an_attempt()
    bench.ecs.reject_for_capacity()
    bench.launcher.submit(attempt)
    bench.run()
    attempt.launch.cancelled = attempt.launch.adopted_elsewhere = True
    bench.run(30)
    assert len(bench.ecs.requests) == 1
    assert len(bench.s3.objects) == 1


def test_a_launch_cancelled_and_made_again_is_launched() -> None:
    """The cancellation belongs to the first launch."""
    bench, first = Bench(), an_attempt()
    bench.launcher.submit(first)
    first.launch.cancelled = True
    bench.launcher.submit(an_attempt())
    bench.run()
    assert [type(each) for each in bench.said] == [Accepted]


def test_a_second_round_replaces_the_repeat_of_the_first() -> None:
    """The first container was seen to stop, so only the new round is launched."""
    bench = Bench()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"))
    attempt = an_attempt()
    bench.launcher.submit(attempt)
    bench.run()
    again = Attempt(attempt.launch, 0, 1, attempt.deadline, round=1)
    bench.launcher.resubmit(again)
    bench.run(30)
    assert bench.tokens == ["-0", "-1.0"]
