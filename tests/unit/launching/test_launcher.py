"""From a due attempt to RunTask: exactly once, with retries, and with every failure reported."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

import pytest
from botocore import exceptions

from airflow_fargate.settings.task_options import parse_task_options
from airflow_fargate.tasks.messages import Accepted, LaunchFailed
from unit.examples import ARN, an_attempt, client_error, launch_id
from unit.launching.launcher_bench import Bench


class Sums(Counter[str]):
    """Airflow's statistics client, with counters only."""

    def incr(self, stat: str, count: int, *, tags: dict[str, str] | None = None) -> None:
        self[stat] += count

    def timing(self, *_: Any, **__: Any) -> None:
        """Ignore the time."""

    gauge = timing


def test_a_launch_is_one_call_and_one_message() -> None:
    """The workload is in the bucket, its reference in the request, and the answer is posted."""
    bench = Bench()
    bench.launcher.submit(an_attempt())
    bench.run()
    (said,) = bench.said
    assert isinstance(said, Accepted)
    assert said.launch_id == launch_id()
    assert list(bench.s3.objects.values()) == [b'{"token": "secret"}']
    assert "secret" not in json.dumps(bench.ecs.requests)


@pytest.mark.parametrize(
    "error",
    [
        client_error("ServerException", "", 500),
        exceptions.ReadTimeoutError(endpoint_url="x"),
        client_error("ThrottlingException"),
        client_error("ExpiredToken"),
    ],
)
def test_without_an_answer_the_same_request_is_sent_again(error: Exception) -> None:
    """It is equal, with the same token."""
    bench = Bench()
    bench.fail(error, error)
    bench.launcher.submit(an_attempt())
    bench.run(30)
    first, second, third = bench.ecs.requests
    assert json.dumps(first) == json.dumps(second) == json.dumps(third)
    assert len(bench.said) == 1


def test_after_an_answer_the_next_attempt_has_its_own_token() -> None:
    """AWS had no capacity and started nothing, so the next attempt may differ."""
    bench = Bench()
    bench.ecs.reject_for_capacity()
    bench.ecs.reject_for_capacity()
    bench.launcher.submit(an_attempt())
    bench.run(30)
    assert bench.tokens == ["-0", "-1", "-2"]


def test_the_whole_chain_is_tried_before_a_pause() -> None:
    """Spot, then On-Demand without a pause."""
    bench = Bench()
    for _ in range(2):
        bench.ecs.reject_for_capacity()
    options = parse_task_options("executor_config", {"capacity": "FARGATE_SPOT,FARGATE"})
    bench.launcher.submit(an_attempt(options=options))
    bench.run()
    assert len(bench.ecs.requests) == 2
    bench.run(30)
    providers = [each["capacityProviderStrategy"][0]["capacityProvider"] for each in bench.ecs.requests]
    assert providers == ["FARGATE_SPOT", "FARGATE", "FARGATE_SPOT"]


def test_a_permanent_error_fails_at_once() -> None:
    """After one call, and its payload is removed."""
    bench = Bench()
    bench.ecs.reject("AccessDeniedException", "iam:PassRole")
    bench.launcher.submit(an_attempt())
    bench.run(600)
    (said,) = bench.said
    assert isinstance(said, LaunchFailed)
    assert "iam:PassRole" in said.sentence
    assert len(bench.ecs.requests) == 1
    assert bench.s3.objects == {}


def test_retries_end_at_the_deadline() -> None:
    """The failure has the last error and the option's name."""
    bench = Bench()
    for _ in range(1000):
        bench.ecs.reject_for_capacity()
    bench.launcher.submit(an_attempt(deadline=60.0))
    bench.run(120)
    (said,) = bench.said
    assert "launch_timeout: Capacity is unavailable" in said.sentence
    assert len(bench.ecs.requests) < 20


def test_a_conflict_returns_the_existing_task() -> None:
    """Its ARN is reported for the launch."""
    bench = Bench()
    bench.fail(client_error("ConflictException", "", resourceIds=[ARN]))
    bench.launcher.submit(an_attempt())
    bench.run()
    assert bench.said[0].ecs_task.arn == ARN


def test_a_client_that_cannot_be_made_is_retried() -> None:
    """Unless the error is permanent, such as a missing region."""
    bench = Bench()
    bench.client_errors = [OSError("metadata"), exceptions.NoCredentialsError()]
    bench.launcher.submit(an_attempt())
    bench.run(30)
    assert isinstance(bench.said[0], Accepted)
    bench.client_errors = [exceptions.NoRegionError()]
    bench.launcher.submit(an_attempt(2))
    bench.run()
    assert "[fargate] region" in bench.said[1].sentence


def test_an_internal_error_loses_no_launch(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the launch is retried."""
    bench = Bench()
    posted, broken = bench.launcher._post, [RuntimeError("a fault")]

    def post(message: Any) -> None:
        if broken:
            raise broken.pop()
        posted(message)

    bench.launcher._post = post
    bench.launcher.submit(an_attempt())
    bench.run(30)
    assert [type(each) for each in bench.said] == [Accepted]
    assert len(bench.ecs.tasks) == 1
    assert "a fault" in caplog.text


def test_a_cause_is_logged_once_for_each_launch(caplog: pytest.LogCaptureFixture) -> None:
    """Twenty failures with two causes give two lines and a count of twenty."""
    caplog.set_level(logging.INFO)
    bench, sink = Bench(), Sums()
    bench.fail(*[client_error("ExpiredToken", "old")] * 10, *[OSError("no route")] * 10)
    bench.launcher.submit(an_attempt())
    bench.run(600)
    told = [each.getMessage() for each in caplog.records if "Not launched yet" in each.getMessage()]
    assert [each.rpartition(": ")[2] for each in told] == ["old", "no route"]
    bench.launcher._metrics.send(sink, tasks=0)
    assert sink["fargate.launch_errors"] == 20
    assert isinstance(bench.said[0], Accepted)


def test_a_cause_that_repeats_three_times_is_shown_once() -> None:
    """With its remedy, and before launch_timeout; throttling is not shown."""
    bench = Bench()
    for number in range(6):
        bench.fail(client_error("ExpiredToken", f"token {number}"))
    bench.launcher.submit(an_attempt())
    bench.run(120)
    (delayed,) = bench.delays
    assert delayed.launch_id == launch_id()
    assert "token 2" in delayed.sentence
    assert isinstance(bench.said[0], Accepted)
    throttled = Bench()
    throttled.fail(*[client_error("ThrottlingException")] * 6)
    throttled.launcher.submit(an_attempt())
    throttled.run(120)
    assert throttled.delays == []


def test_a_launch_that_fails_has_the_hint_of_the_last_cause() -> None:
    """The message and the hint are shown together."""
    bench = Bench()
    for _ in range(1000):
        bench.ecs.reject_for_capacity()
    bench.launcher.submit(an_attempt(deadline=60.0))
    bench.run(120)
    (said,) = bench.said
    assert bench.delays[0].sentence in said.sentence
    assert "capacity" in said.sentence.removeprefix("Gave up after [fargate] launch_timeout: Capacity is")
