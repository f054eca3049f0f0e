"""The book of the package's AWS calls: what is entered, and what is not."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

import aws_calls
import aws_model
from airflow_fargate.aws import ecs
from airflow_fargate.testing import FakeEcs
from airflow_fargate.worker.s3 import S3Store
from aws_calls import Book, Call
from unit.examples import ARN, launch_id


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    """Return an empty book that both seams write to."""
    book = Book()
    monkeypatch.setattr(aws_calls, "BOOK", book)
    monkeypatch.setattr(aws_model, "BOOK", book)
    return book


def stubbed(service: str, operation: str, answer: dict[str, Any]) -> Any:
    """Return a client of boto3 that answers once."""
    client = boto3.client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stubber = Stubber(client)
    stubber.add_response(operation, answer)
    stubber.activate()
    return client


def test_a_call_of_boto3_is_entered_with_its_resource_and_no_contents(book: Book) -> None:
    """Cluster, definition, roles and tags; not the command, which holds a token."""
    client = stubbed("ecs", "run_task", {"tasks": []})
    overrides = {
        "taskRoleArn": "arn:role",
        "containerOverrides": [{"name": "worker", "command": ["secret"]}],
    }
    request = {
        "cluster": "airflow",
        "taskDefinition": "worker",
        "overrides": overrides,
        "tags": [{"key": "a", "value": "b"}],
    }
    ecs.run_task(client, request)

    told = {
        "cluster": "airflow",
        "overrides": {"taskRoleArn": "arn:role"},
        "tags": True,
        "taskDefinition": "worker",
    }
    assert book.calls == {Call("scheduler", "ecs", "RunTask", json.dumps(told))}
    assert book.callers == {("airflow_fargate.aws.ecs", "RunTask")}


def test_a_call_of_a_fake_is_entered_and_single_tasks_look_alike(book: Book) -> None:
    """A thousand tasks are one entry."""
    client = aws_model.modelled("ecs", FakeEcs())
    for number in range(9):
        ecs.describe_tasks(client, "airflow", [ARN, f"{ARN.rpartition('/')[0]}/{launch_id(number)}"])

    (call,) = book.calls
    assert call.parameters == {
        "cluster": "airflow",
        "tasks": ["arn:aws:ecs:us-east-1:123456789012:task/airflow/0"],
    }


def test_what_the_worker_calls_needs_the_task_s_permission(book: Book) -> None:
    """Its bearer is the task."""
    S3Store(stubbed("s3", "delete_object", {})).delete("payloads", "workloads/x.json")

    (call,) = book.calls
    assert str(call) == 'task: s3:DeleteObject {"Bucket": "payloads", "Key": "workloads/0"}'


def test_what_a_test_calls_itself_is_not_entered(book: Book) -> None:
    """By boto3 and by a fake: the package is not on the stack."""
    stubbed("sqs", "list_queues", {}).list_queues()
    aws_model.modelled("ecs", FakeEcs()).run_task(taskDefinition="worker")

    assert book.calls == set()


def test_another_process_enters_its_calls_as_json(book: Book) -> None:
    """Tests run in several processes; the permissions are held against the calls of all."""
    ecs.run_task(
        stubbed("ecs", "run_task", {"tasks": []}), {"cluster": "airflow", "taskDefinition": "worker"}
    )
    whole = Book()
    whole.add(json.loads(json.dumps(book.as_json())))
    assert (whole.calls, whole.callers) == (book.calls, book.callers)
    assert len(whole.calls) == 1
