"""The thin client: boto3 as it is, stubbed at the wire."""

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
    """Return a stubber for it: it checks every request and answer against botocore's model."""
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
def test_an_answer_without_a_task_loses_no_workload(
    client: Any, stub: Stubber, tasks: list[Any], kind: LaunchErrorKind
) -> None:
    """An empty reply started nothing; of one whose task cannot be read that is not known."""
    stub.add_response("run_task", {"tasks": tasks, "failures": []}, REQUEST)
    answer = ecs.run_task(client, REQUEST)
    assert isinstance(answer, LaunchError)
    assert answer.kind is kind
    assert not answer.answered or not tasks


def test_an_error_is_classified_with_status_and_code(client: Any, stub: Stubber) -> None:
    """Whatever boto3 raises is an answer; nothing is raised."""
    stub.add_client_error("run_task", "Odd", "words", http_status_code=503)
    stub.add_client_error("run_task", "ConflictException", "words", modeled_fields={"resourceIds": [ARN]})
    unknown = ecs.run_task(client, REQUEST)
    conflict = ecs.run_task(client, REQUEST)
    assert isinstance(unknown, LaunchError)
    assert unknown.kind is LaunchErrorKind.UNKNOWN
    assert isinstance(conflict, LaunchError)
    assert conflict.existing_arns == (ARN,)


def test_boto3_does_not_repeat_ecs_calls_by_itself(client: Any) -> None:
    """The launcher alone knows what a repeated RunTask may do."""
    assert client.meta.config.retries["total_max_attempts"] == 1


def test_a_search_asks_for_what_runs_and_what_stopped(client: Any, stub: Stubber) -> None:
    """StartedBy is the only filter that ECS takes beside the status."""
    asked = {"cluster": "airflow", "startedBy": "airflow/x"}
    stub.add_response("list_tasks", {"taskArns": []}, asked | {"desiredStatus": "RUNNING"})
    stub.add_response("list_tasks", {"taskArns": [ARN]}, asked | {"desiredStatus": "STOPPED"})
    stub.add_response(
        "describe_tasks", {"tasks": [a_task("STOPPED")]}, {"cluster": "airflow", "tasks": [ARN]}
    )
    found = ecs.find_by_launch_id(client, "airflow", "airflow/x")
    assert found is not None
    assert found.stopped


def test_a_search_without_a_task_finds_none(client: Any, stub: Stubber) -> None:
    """Two calls, no third."""
    for _ in range(2):
        stub.add_response("list_tasks", {"taskArns": []})
    assert ecs.find_by_launch_id(client, "airflow", "airflow/x") is None


def test_a_client_is_made_once_and_waits_as_its_service_needs() -> None:
    """Kept per service; SQS may take its long poll's time to answer."""
    clients = BotoClients("us-east-1", 32)
    assert clients("sqs") is clients("sqs")
    assert clients("sqs").meta.config.read_timeout > 20
    assert clients("s3").meta.config.max_pool_connections == 32
    assert clients("s3").meta.region_name == "us-east-1"


def test_threads_never_make_clients_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's session is not made for threads: sixteen that start at once make one client, one by one."""
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


def test_a_workload_is_written_without_asking_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 would send the headers, wait for S3's "go on" and send two kilobytes then: a round trip more."""
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
