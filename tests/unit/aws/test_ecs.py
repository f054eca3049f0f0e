"""The ECS calls, with boto3's real client over stubbed answers."""

from __future__ import annotations

import threading
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber

from airflow_fargate.aws import ecs
from airflow_fargate.aws.clients import BotoClients
from airflow_fargate.aws.ecs_task import EcsTask
from airflow_fargate.aws.failures import LaunchError, LaunchErrorKind
from unit.examples import ARN, a_task

REQUEST = {"cluster": "airflow", "taskDefinition": "worker", "clientToken": "t"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a boto3 client as the executor makes it, with made-up credentials."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    return BotoClients("us-east-1", 4)("ecs")


@pytest.fixture
def stub(client: Any) -> Any:
    """Return a stubber for it, which checks every request and answer against botocore's model."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_an_answer_with_a_task_is_the_task(client: Any, stub: Stubber) -> None:
    """RunTask's first task, parsed."""
    stub.add_response("run_task", {"tasks": [a_task("PROVISIONING")], "failures": []}, REQUEST)
    answer = ecs.run_task(client, REQUEST)
    assert isinstance(answer, EcsTask)
    assert answer.arn == ARN


@pytest.mark.parametrize(
    ("tasks", "kind"), [([], LaunchErrorKind.WAIT), ([{"lastStatus": "RUNNING"}], LaunchErrorKind.UNKNOWN)]
)
def test_an_answer_without_a_task_is_classified(
    client: Any, stub: Stubber, tasks: list[Any], kind: LaunchErrorKind
) -> None:
    """An empty answer started nothing; for a task that cannot be parsed the outcome is unknown."""
    stub.add_response("run_task", {"tasks": tasks, "failures": []}, REQUEST)
    answer = ecs.run_task(client, REQUEST)
    assert isinstance(answer, LaunchError)
    assert answer.kind is kind
    assert not answer.answered or not tasks


def test_an_error_is_classified_with_status_and_code(client: Any, stub: Stubber) -> None:
    """Exceptions of boto3 are returned, not raised."""
    stub.add_client_error("run_task", "Odd", "words", http_status_code=503)
    stub.add_client_error("run_task", "ConflictException", "words", modeled_fields={"resourceIds": [ARN]})
    unknown = ecs.run_task(client, REQUEST)
    conflict = ecs.run_task(client, REQUEST)
    assert isinstance(unknown, LaunchError)
    assert unknown.kind is LaunchErrorKind.UNKNOWN
    assert isinstance(conflict, LaunchError)
    assert conflict.existing_arns == (ARN,)


def test_boto3_does_not_retry_ecs_calls(client: Any) -> None:
    """Only the launcher knows when RunTask may be repeated."""
    assert client.meta.config.retries["total_max_attempts"] == 1


def test_a_search_lists_running_and_stopped_tasks(client: Any, stub: Stubber) -> None:
    """ListTasks can filter only by startedBy and status."""
    asked = {"cluster": "airflow", "startedBy": "airflow/x"}
    stub.add_response("list_tasks", {"taskArns": []}, asked | {"desiredStatus": "RUNNING"})
    stub.add_response("list_tasks", {"taskArns": [ARN]}, asked | {"desiredStatus": "STOPPED"})
    stub.add_response(
        "describe_tasks", {"tasks": [a_task("STOPPED")]}, {"cluster": "airflow", "tasks": [ARN]}
    )
    found = ecs.find_by_launch_id(client, "airflow", "airflow/x")
    assert found is not None
    assert found.stopped


def test_a_search_without_tasks_makes_two_calls(client: Any, stub: Stubber) -> None:
    """There is nothing to describe."""
    for _ in range(2):
        stub.add_response("list_tasks", {"taskArns": []})
    assert ecs.find_by_launch_id(client, "airflow", "airflow/x") is None


def test_a_client_is_made_once_with_its_services_timeout() -> None:
    """SQS may take the time of its long poll to answer."""
    clients = BotoClients("us-east-1", 32)
    assert clients("sqs") is clients("sqs")
    assert clients("sqs").meta.config.read_timeout > 20
    assert clients("s3").meta.config.max_pool_connections == 32
    assert clients("s3").meta.region_name == "us-east-1"


def test_threads_make_clients_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's session is not thread-safe: sixteen threads that start together make one client."""
    inside, together, made = threading.Lock(), [], []
    ready = threading.Barrier(16)

    class Session:
        def __init__(self, **_: Any) -> None:
            made.append("session")

        def client(self, service: str, **_: Any) -> object:
            if not inside.acquire(blocking=False):
                together.append(service)
                return object()
            try:
                made.append(service)
                threading.Event().wait(0.01)  # Long enough for the others to arrive.
                return object()
            finally:
                inside.release()

    monkeypatch.setattr(boto3.session, "Session", Session)
    clients, found = BotoClients("us-east-1", 16), []

    def ask() -> None:
        ready.wait(60)
        found.append(clients("ecs"))

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert together == []
    assert made == ["session", "ecs"]
    assert len({id(each) for each in found}) == 1


def test_a_workload_is_written_without_expect_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 would send the headers and wait for S3 before it sends two kilobytes."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    s3, sent = BotoClients("us-east-1", 4)("s3"), []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        response = AWSResponse(request.url, 200, {}, None)
        response._content = b""
        return response

    s3.meta.events.register("before-send", answer)
    s3.put_object(Bucket="payloads", Key="one", Body=b"{}")
    assert "Expect" not in sent[0].headers
    assert sent[0].method == "PUT"
