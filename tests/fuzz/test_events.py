"""Messages of the queue, and AWS's answers with missing members."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_fargate.aws import ecs
from airflow_fargate.aws.ecs_task import EcsTask, parse_task
from airflow_fargate.aws.failures import LaunchError, classify_error
from airflow_fargate.tasks.messages import Seen
from airflow_fargate.tasks.registry import Registry
from airflow_fargate.tasks.verdict import judge
from airflow_fargate.tracking.listener import Listener, parse_event
from aws_model import example, modelled, operation_names, service_model
from fuzz.strategies import AWKWARD_JSON, JSON, broken, texts_of
from unit.examples import ARN, QUEUE_URL, a_launch, a_task, client_error, launch_id

TASK = a_task(
    "STOPPED",
    createdAt="2026-01-01T00:00:00Z",
    startedAt="2026-01-01T00:00:01.5Z",
    stoppedAt="2026-01-01T00:01:00+00:00",
    stopCode="EssentialContainerExited",
    stoppedReason="Essential container in task exited",
    capacityProviderName="FARGATE",
    containers=[{"name": "worker", "lastStatus": "STOPPED", "exitCode": 1, "reason": "x"}],
)
ENVELOPE = {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": TASK}
EVENTS = broken(ENVELOPE).flatmap(texts_of) | texts_of(ENVELOPE) | AWKWARD_JSON | JSON.map(json.dumps)


@given(EVENTS)
def test_a_message_is_an_event_or_a_value_error(body: str) -> None:
    """An event has an ARN and a status of the right types."""
    try:
        ecs_task = parse_event(body)
    except (ValueError, RecursionError):
        return
    assert ecs_task.arn
    assert ecs_task.last_status
    assert all(isinstance(each.name, str) for each in ecs_task.containers)
    assert isinstance(ecs_task.version, int)
    assert all(isinstance(seconds, float) for _, seconds in ecs_task.timeline)


@given(broken(TASK))
def test_every_parsed_event_has_a_verdict_and_can_be_tracked(detail: dict[str, Any]) -> None:
    """The diagnosis is safe text."""
    with contextlib.suppress(ValueError):
        ecs_task = parse_task(detail)
        assert str(judge(ecs_task, "worker").diagnosis)
        registry = Registry("worker", "airflow", lambda: 0.0)
        registry.launch(a_launch(), 540.0)
        registry.apply(Seen(ecs_task))
        registry.apply(Seen(ecs_task, described=True))


class Queue:
    """An SQS client with one batch."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = messages
        self.deleted: list[str] = []

    def receive_message(self, **_: Any) -> dict[str, Any]:
        return {"Messages": self.messages}

    def delete_message_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.deleted += [each["ReceiptHandle"] for each in Entries]
        return {}


@given(st.lists(EVENTS, max_size=9))
def test_a_valid_event_is_handled_in_any_batch(bodies: list[str]) -> None:
    """It is posted and deleted; other messages stay for the dead-letter queue."""
    bodies = [*bodies, json.dumps(ENVELOPE)]
    queue = Queue(
        [{"Body": body, "ReceiptHandle": str(n), "MessageId": str(n)} for n, body in enumerate(bodies)]
    )
    said: list[Any] = []
    client = modelled("sqs", queue)
    Listener(lambda _: client, QUEUE_URL, lambda _: True, lambda _: True, lambda: 0.0, said.append).receive()
    assert str(len(bodies) - 1) in queue.deleted
    assert len(said) == len(queue.deleted)
    assert said[-1].ecs_task.arn == ARN


def answers(operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return answers of an operation as boto3 returns them: with the model's types, and missing members."""
    shape = service_model("ecs").operation_model(operation_names("ecs")[operation]).output_shape
    whole = example(shape, {"taskArn": ARN, "lastStatus": "RUNNING", "taskArns": [ARN]})
    return broken(whole, odd=st.none()).map(_without_none)


def _without_none(value: Any) -> Any:
    """AWS leaves members out and never sends null, so a member drawn as None is removed."""
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value if each is not None] if isinstance(value, list) else value


class Answering:
    """An ECS client with one answer per operation."""

    def __init__(self, **found: Any) -> None:
        self.found = found

    def __getattr__(self, name: str) -> Any:
        return lambda **_: self.found[name]


@given(answers("run_task"))
def test_runtasks_answer_is_a_task_or_an_error(answer: dict[str, Any]) -> None:
    """Whatever AWS leaves out."""
    found = ecs.run_task(modelled("ecs", Answering(run_task=answer)), {"taskDefinition": "worker"})
    if isinstance(found, EcsTask):
        assert found.arn == ARN
    else:
        assert isinstance(found, LaunchError)
        assert found.sentence


@given(answers("describe_tasks"), answers("list_tasks"))
def test_an_arn_that_describe_tasks_leaves_out_is_described_again(
    described: dict[str, Any], listed: dict[str, Any]
) -> None:
    """A task, a missing ARN, or neither: never an exception, and never an unknown ARN."""
    client = modelled("ecs", Answering(describe_tasks=described, list_tasks=listed))
    found, missing = ecs.describe_tasks(client, "airflow", [ARN])
    assert {each.arn for each in found} <= {ARN}
    assert set(missing) <= {ARN}
    sought = ecs.find_by_launch_id(client, "airflow", f"airflow/{launch_id()}")
    assert (sought is None) == (not listed.get("taskArns"))


@given(
    st.text(max_size=30) | st.sampled_from(["ConflictException", "ThrottlingException", "ServerException"]),
    st.text(max_size=30),
    st.none() | st.integers(100, 599),
    broken({"resourceIds": [ARN], "Error": {"Code": "x", "Message": "y"}}, odd=st.none()),
)
def test_every_error_of_aws_is_classified(
    code: str, message: str, status: int | None, body: dict[str, Any]
) -> None:
    """Any code, any status, and a body with missing parts."""
    assert classify_error(client_error(code, message, status or 0), status, body).sentence
