"""The record of the package's AWS calls."""

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
    """Return an empty record for calls of boto3 and of fakes."""
    book = Book()
    monkeypatch.setattr(aws_calls, "BOOK", book)
    monkeypatch.setattr(aws_model, "BOOK", book)
    return book


def stubbed(service: str, operation: str, answer: dict[str, Any]) -> Any:
    """Return a boto3 client that answers once."""
    client = boto3.client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stubber = Stubber(client)
    stubber.add_response(operation, answer)
    stubber.activate()
    return client


def test_a_call_of_boto3_is_recorded_with_its_resource_and_no_contents(book: Book) -> None:
    """The entry has cluster, definition, roles and tags, but not the command, which contains a token."""
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


def test_calls_of_a_fake_for_many_tasks_are_one_entry(book: Book) -> None:
    """The entry leaves out what differs from task to task."""
    client = aws_model.modelled("ecs", FakeEcs())
    for number in range(9):
        ecs.describe_tasks(client, "airflow", [ARN, f"{ARN.rpartition('/')[0]}/{launch_id(number)}"])

    (call,) = book.calls
    assert call.parameters == {
        "cluster": "airflow",
        "tasks": ["arn:aws:ecs:us-east-1:123456789012:task/airflow/0"],
    }


def test_the_workers_calls_need_the_tasks_permission(book: Book) -> None:
    """The bearer of a call by the worker is the task."""
    S3Store(stubbed("s3", "delete_object", {})).delete("payloads", "workloads/x.json")

    (call,) = book.calls
    assert str(call) == 'task: s3:DeleteObject {"Bucket": "payloads", "Key": "workloads/0"}'


def test_a_tests_own_calls_are_not_recorded(book: Book) -> None:
    """Neither boto3's nor a fake's calls count if the package is not on the stack."""
    stubbed("sqs", "list_queues", {}).list_queues()
    aws_model.modelled("ecs", FakeEcs()).run_task(taskDefinition="worker")

    assert book.calls == set()


def test_the_calls_of_another_process_are_added_from_json(book: Book) -> None:
    """Tests run in several processes, and the permissions are compared with the calls of all."""
    ecs.run_task(
        stubbed("ecs", "run_task", {"tasks": []}), {"cluster": "airflow", "taskDefinition": "worker"}
    )
    whole = Book()
    whole.add(json.loads(json.dumps(book.as_json())))
    assert (whole.calls, whole.callers) == (book.calls, book.callers)
    assert len(whole.calls) == 1
