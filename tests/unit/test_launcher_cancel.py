"""Launches that are taken back, or displaced, in every state in which that can happen."""

from __future__ import annotations

from botocore import exceptions

from airflow_fargate.launch import Attempt
from airflow_fargate.messages import Accepted, LaunchFailed
from unit.examples import an_attempt, client_error, launch_id
from unit.launcher_bench import Bench


def test_what_was_not_sent_is_taken_back_at_once() -> None:
    """True: nothing more comes of it."""
    bench = Bench()
    bench.launcher.submit(an_attempt())
    assert bench.launcher.cancel(launch_id())
    bench.run(10)
    assert bench.ecs.requests == []
    assert bench.said == []


def test_what_was_throttled_is_taken_back_with_its_payload() -> None:
    """False: its end is said once the object is gone, and no container was started."""
    bench = Bench()
    bench.fail(client_error("ThrottlingException"))
    bench.launcher.submit(an_attempt())
    bench.run()
    assert not bench.launcher.cancel(launch_id())
    bench.run(5)
    assert [type(each) for each in bench.said] == [LaunchFailed]
    assert len(bench.ecs.requests) == 1
    assert bench.s3.objects == {}


def test_what_may_have_been_started_is_asked_for_once_more() -> None:
    """Unknown outcome: RunTask tells the container, so that it can be stopped."""
    bench = Bench()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"))
    bench.launcher.submit(an_attempt())
    bench.run()
    assert not bench.launcher.cancel(launch_id())
    bench.run()
    assert [type(each) for each in bench.said] == [Accepted]


def test_a_launch_taken_back_and_submitted_again_is_launched() -> None:
    """The cancellation was of the first."""
    bench = Bench()
    assert not bench.launcher.cancel(launch_id())
    bench.launcher.submit(an_attempt())
    bench.run()
    assert [type(each) for each in bench.said] == [Accepted]


def test_a_second_round_displaces_the_repeat_of_the_first() -> None:
    """Its container was seen to stop: only the new round is launched, and the old request is forgotten."""
    bench = Bench()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"))
    attempt = an_attempt()
    bench.launcher.submit(attempt)
    bench.run()
    again = Attempt(attempt.launch, 0, 1, attempt.deadline, round=1)
    bench.launcher.resubmit(again)
    bench.run(30)
    assert bench.tokens == ["-0", "-1.0"]
    assert bench.launcher._sent == {}
