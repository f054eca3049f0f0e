"""Payloads: written once, fresh as long as possible, and never left behind."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from airflow_fargate.settings.task_options import parse_task_options
from airflow_fargate.tasks.messages import Accepted, LaunchFailed
from unit.examples import an_attempt, client_error, launch_id
from unit.launching.launcher_bench import Bench


def test_the_failure_is_reported_if_its_payload_cannot_be_removed() -> None:
    """The error of the launch is reported, not that of the removal."""
    bench = Bench()
    bench.ecs.reject("AccessDeniedException")
    bench.launcher.submit(an_attempt())
    bench.s3.errors = []
    bench.s3.delete_object = lambda **_: 1 / 0  # type: ignore[method-assign,assignment]
    bench.run()
    assert isinstance(bench.said[0], LaunchFailed)


def test_a_permanent_error_of_the_bucket_fails_the_launch() -> None:
    """The message names the option. A timeout is retried."""
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
        ({"command": ("airflow", "x" * 9000)}, "Shorten"),
        (
            {"options": parse_task_options("", {"env": {"A": "x" * 9000}})},
            "Shorten the task's command or executor_config['env']",
        ),
    ],
)
def test_an_invalid_request_fails_the_launch(changes: dict[str, Any], words: str) -> None:
    """Without a call or a wait."""
    bench = Bench()
    bench.launcher.submit(an_attempt(**changes))
    bench.run()
    (said,) = bench.said
    assert words in said.sentence
    assert bench.ecs.requests == []


def test_airflow_2s_command_is_the_containers_command() -> None:
    """There is no payload."""
    bench = Bench()
    command = ("airflow", "tasks", "run", "dag", "task", "run")
    bench.launcher.submit(an_attempt(document=None, command=command))
    bench.run()
    (request,) = bench.ecs.requests
    assert request["overrides"]["containerOverrides"][0]["command"] == list(command)
    assert bench.s3.objects == {}


def test_inline_workloads_are_compressed_if_they_are_long() -> None:
    """Plain up to 8,192 characters, then compressed, then rejected."""
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


def test_a_workload_that_cannot_be_serialized_is_retried() -> None:
    """The error is in the log and in the message, and the bucket is not blamed."""

    def document() -> str:
        raise RuntimeError("no signing key")

    bench = Bench()
    bench.launcher.submit(an_attempt(deadline=10.0, document=document))
    bench.run(60)
    (said,) = bench.said
    assert "no signing key" in said.sentence
    assert "payload_bucket" not in said.sentence


def test_a_request_that_aws_did_not_examine_gets_a_fresh_token() -> None:
    """The workload is written again, with the same name and clientToken."""
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
    """Its container may have read it."""
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
