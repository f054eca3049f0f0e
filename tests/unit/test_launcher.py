"""From what is due to RunTask: once, patiently, and never silently."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from botocore import exceptions

from airflow_fargate.launch import Attempt
from airflow_fargate.launch_queue import LaunchQueue
from airflow_fargate.launcher import Launcher
from airflow_fargate.messages import Accepted, Refused
from airflow_fargate.payload import store_for
from airflow_fargate.rate_limiter import RateLimiter
from airflow_fargate.request_model import request_faults
from airflow_fargate.retry import RetryPolicy
from airflow_fargate.run_request import RunRequestBuilder
from airflow_fargate.task_options import parse_task_options
from airflow_fargate.testing import FakeEcs, ManualClock
from unit.examples import ARN, CONFIG, an_attempt, client_error, launch_id


class Bucket:
    """S3 with one bucket; ``errors`` are raised by the next puts."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.errors: list[Exception] = []

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        if self.errors:
            raise self.errors.pop(0)
        self.objects[Key] = Body

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        if self.errors:
            raise self.errors.pop(0)
        self.objects.pop(Key, None)


class Bench:
    """A launcher over fakes."""

    def __init__(self, bucket: str = "payloads", hook: Any = None) -> None:
        self.clock = ManualClock()
        self.ecs, self.s3 = FakeEcs(clock=self.clock), Bucket()
        self.said: list[Any] = []
        self.client_errors: list[Exception] = []
        builder = RunRequestBuilder(CONFIG, hook, request_faults)
        limiter = RateLimiter(1000, 1000, 1000, 1000, 0.0)
        self.queue = LaunchQueue(limiter, builder.capacity, self.clock.monotonic)
        self.launcher = Launcher(
            self.client,
            builder,
            store_for(self.client, bucket, "workloads"),
            self.queue,
            RetryPolicy(lambda: 0.5),
            self.clock.monotonic,
            self.said.append,
        )

    def client(self, service: str) -> Any:
        if service == "ecs" and self.client_errors:
            raise self.client_errors.pop(0)
        return {"ecs": self.ecs, "s3": self.s3}[service]

    def run(self, seconds: float = 0.0) -> None:
        """Do all that is due, now and for so many seconds."""
        until = self.clock.monotonic() + seconds
        while True:
            wait = self.launcher.run_one()
            if wait > 0:
                left = until - self.clock.monotonic()
                if left <= 0:
                    return
                self.clock.advance(min(wait, left))

    def fail(self, *errors: Exception) -> None:
        """Have the next RunTasks raise these."""
        self.ecs._refusals.extend(errors)

    @property
    def tokens(self) -> list[str]:
        return [request["clientToken"].removeprefix(launch_id()) for request in self.ecs.requests]


def test_a_launch_is_one_call_and_one_message() -> None:
    """The workload in the bucket, the pointer in the request, the answer posted."""
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
    """To the byte, with the same token."""
    bench = Bench()
    bench.fail(error, error)
    bench.launcher.submit(an_attempt())
    bench.run(30)
    first, second, third = bench.ecs.requests
    assert json.dumps(first) == json.dumps(second) == json.dumps(third)
    assert len(bench.said) == 1


def test_after_an_answer_the_next_attempt_has_its_own_token() -> None:
    """Capacity refused: AWS started nothing, the next may differ."""
    bench = Bench()
    bench.ecs.refuse_capacity()
    bench.ecs.refuse_capacity()
    bench.launcher.submit(an_attempt())
    bench.run(30)
    assert bench.tokens == ["-0", "-1", "-2"]


def test_the_chain_is_asked_at_once_and_a_whole_round_is_waited_out() -> None:
    """Spot, On-Demand without a pause; then a pause."""
    bench = Bench()
    for _ in range(2):
        bench.ecs.refuse_capacity()
    options = parse_task_options("executor_config", {"capacity": "FARGATE_SPOT,FARGATE"})
    bench.launcher.submit(an_attempt(options=options))
    bench.run()
    assert len(bench.ecs.requests) == 2
    bench.run(30)
    providers = [each["capacityProviderStrategy"][0]["capacityProvider"] for each in bench.ecs.requests]
    assert providers == ["FARGATE_SPOT", "FARGATE", "FARGATE_SPOT"]


def test_a_permanent_refusal_is_given_up_at_once_and_its_payload_removed() -> None:
    """One call, one sentence, no object."""
    bench = Bench()
    bench.ecs.refuse("AccessDeniedException", "iam:PassRole")
    bench.launcher.submit(an_attempt())
    bench.run(600)
    (said,) = bench.said
    assert isinstance(said, Refused)
    assert "iam:PassRole" in said.sentence
    assert len(bench.ecs.requests) == 1
    assert bench.s3.objects == {}


def test_a_payload_that_cannot_be_removed_hides_nothing() -> None:
    """The refusal is told all the same."""
    bench = Bench()
    bench.ecs.refuse("AccessDeniedException")
    bench.launcher.submit(an_attempt())
    bench.s3.errors = []
    bench.s3.delete_object = lambda **_: 1 / 0  # type: ignore[method-assign,assignment]
    bench.run()
    assert isinstance(bench.said[0], Refused)


def test_patience_ends_with_the_deadline() -> None:
    """Refused for as long as the budget lasts: given up, with the last words and the option's name."""
    bench = Bench()
    for _ in range(1000):
        bench.ecs.refuse_capacity()
    bench.launcher.submit(an_attempt(deadline=60.0))
    bench.run(120)
    (said,) = bench.said
    assert "launch_timeout: Capacity is unavailable" in said.sentence
    assert len(bench.ecs.requests) < 20


def test_a_conflict_is_answered_by_the_task_that_exists() -> None:
    """Its ARN is the launch's."""
    bench = Bench()
    bench.fail(client_error("ConflictException", "", resourceIds=[ARN]))
    bench.launcher.submit(an_attempt())
    bench.run()
    assert bench.said[0].change.arn == ARN


def test_a_client_that_cannot_be_made_is_waited_out_unless_it_is_hopeless() -> None:
    """A metadata service that stutters passes; a region that is nowhere set does not."""
    bench = Bench()
    bench.client_errors = [OSError("metadata"), exceptions.NoCredentialsError()]
    bench.launcher.submit(an_attempt())
    bench.run(30)
    assert isinstance(bench.said[0], Accepted)
    bench.client_errors = [exceptions.NoRegionError()]
    bench.launcher.submit(an_attempt(2))
    bench.run()
    assert "[fargate] region" in bench.said[1].sentence


def test_a_bucket_that_fails_for_good_fails_the_launch_with_its_name() -> None:
    """Access denied: no RunTask, the option named. A time-out: later again."""
    bench = Bench()
    bench.s3.errors = [TimeoutError("s3"), client_error("AccessDenied", "no PutObject", 403)]
    bench.launcher.submit(an_attempt())
    bench.run(30)
    (said,) = bench.said
    assert "payload_bucket: AccessDenied: no PutObject" in said.sentence
    assert bench.ecs.requests == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"document": None}, "neither a command nor a document"),
        ({"command": ("airflow", "x" * 9000)}, "shorter"),
        (
            {"options": parse_task_options("", {"env": {"A": "x" * 9000}})},
            "executor_config['env'] shorter",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_a_sentence(changes: dict[str, Any], words: str) -> None:
    """No call, no wait."""
    bench = Bench()
    bench.launcher.submit(an_attempt(**changes))
    bench.run()
    (said,) = bench.said
    assert words in said.sentence
    assert bench.ecs.requests == []


def test_airflow_2s_command_is_the_containers_command() -> None:
    """No payload: the command as it is."""
    bench = Bench()
    command = ("airflow", "tasks", "run", "dag", "task", "run")
    bench.launcher.submit(an_attempt(document=None, command=command))
    bench.run()
    (request,) = bench.ecs.requests
    assert request["overrides"]["containerOverrides"][0]["command"] == list(command)
    assert bench.s3.objects == {}


def test_inline_workloads_are_packed_when_they_must_be_and_refused_when_even_that_is_too_long() -> None:
    """Plain while it fits in 8,192, compressed above, a sentence beyond."""
    bench = Bench(bucket="")
    random = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(256)) * 2
    random += "".join(hashlib.sha512(bytes([n])).hexdigest() for n in range(256))
    for number, document in ((1, "x" * 100), (2, "x" * 20_000), (3, random)):
        bench.launcher.submit(an_attempt(number, document=lambda document=document: document))
    bench.run()
    plain, packed = (
        request["overrides"]["containerOverrides"][0]["command"][3] for request in bench.ecs.requests
    )
    assert plain.startswith("json:")
    assert packed.startswith("zlib:")
    assert "payload_bucket" in bench.said[-1].sentence or "payload_bucket" in bench.said[0].sentence


def test_a_workload_that_cannot_be_written_down_is_tried_again_and_is_no_fault_of_the_bucket() -> None:
    """The error is in the log and in the sentence; nothing is lost without a word."""

    def document() -> str:
        raise RuntimeError("no signing key")

    bench = Bench()
    bench.launcher.submit(an_attempt(deadline=10.0, document=document))
    bench.run(60)
    (said,) = bench.said
    assert "no signing key" in said.sentence
    assert "payload_bucket" not in said.sentence


def test_a_request_that_aws_never_looked_at_gets_a_fresh_token_in_its_payload() -> None:
    """Throttled for minutes: the workload is written again, under the same name, for the same clientToken."""
    made: list[int] = []

    def document() -> str:
        made.append(len(made))
        return f"token {len(made)}"

    bench = Bench()
    bench.fail(*[client_error("ThrottlingException")] * 150)
    bench.launcher.submit(an_attempt(document=document))
    bench.run(200)
    assert isinstance(bench.said[0], Accepted)
    assert len(made) > 1
    assert set(bench.tokens) == {"-0"}
    assert bench.s3.objects[f"workloads/{launch_id()}.json"] == f"token {len(made)}".encode()


def test_the_payload_of_a_launch_of_unknown_outcome_is_not_written_again() -> None:
    """Its container may have read it: the same bytes, whatever their age."""
    made: list[int] = []

    def document() -> str:
        made.append(1)
        return "x"

    bench = Bench()
    bench.fail(*[client_error("ServerException", "", 500)] * 20)
    bench.launcher.submit(an_attempt(document=document))
    bench.run(500)
    assert isinstance(bench.said[0], Accepted)
    assert len(made) == 1


# --- unknown outcomes at the end of the budget --------------------------------------------------------------


def test_unknown_at_the_deadline_it_is_asked_for_a_while_longer() -> None:
    """RunTask with the same token is the exact question; it is answered after the deadline."""
    bench = Bench()
    bench.fail(*[client_error("ServerException", "", 500)] * 8)
    bench.launcher.submit(an_attempt(deadline=30.0))
    bench.run(200)
    assert isinstance(bench.said[0], Accepted)
    assert set(bench.tokens) == {"-0"}


def test_unknown_for_too_long_it_is_looked_for() -> None:
    """RunTask keeps failing, and ListTasks shows the container: it is taken."""
    bench = Bench()
    bench.ecs.run_task(clientToken="t", startedBy=f"airflow/{launch_id()}")
    bench.fail(*[client_error("ServerException", "", 500)] * 100)
    bench.launcher.submit(an_attempt(deadline=10.0))
    bench.run(400)
    (said,) = bench.said
    assert isinstance(said, Accepted)
    assert said.change.arn in bench.ecs.tasks


def test_unknown_and_not_found_it_is_given_up() -> None:
    """With what AWS said last."""
    bench = Bench()
    bench.fail(*[client_error("ServerException", "try later", 500)] * 100)
    bench.launcher.submit(an_attempt(deadline=10.0))
    bench.run(400)
    (said,) = bench.said
    assert isinstance(said, Refused)
    assert "try later" in said.sentence


def test_refused_for_good_after_an_unknown_outcome_it_is_looked_for_first() -> None:
    """A role was removed meanwhile: not given up before ListTasks could have shown a container."""
    bench = Bench()
    bench.fail(exceptions.ReadTimeoutError(endpoint_url="x"), *[client_error("AccessDeniedException")] * 9)
    bench.launcher.submit(an_attempt())
    bench.run(5)
    assert bench.said == []
    bench.ecs._by_token["t"] = ARN
    bench.ecs.tasks[ARN] = bench.ecs._new_task(ARN, {"startedBy": f"airflow/{launch_id()}"})
    bench.run(60)
    (said,) = bench.said
    assert said.change.arn == ARN


def test_when_even_the_search_fails_it_is_said_and_the_payload_stays() -> None:
    """There may be a container on its way to it; the reaper is named."""
    bench = Bench()
    bench.fail(*[client_error("ServerException", "", 500)] * 100)
    bench.ecs.list_tasks = lambda **_: 1 / 0  # type: ignore[method-assign,assignment]
    bench.launcher.submit(an_attempt(deadline=10.0))
    bench.run(600)
    (said,) = bench.said
    assert "airflow fargate reap" in said.sentence
    assert len(bench.s3.objects) == 1


# --- taking back --------------------------------------------------------------------------------------------


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
    assert [type(each) for each in bench.said] == [Refused]
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


def test_a_fault_of_ours_loses_no_launch(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever breaks inside: it is logged, and the launch is tried again."""
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
