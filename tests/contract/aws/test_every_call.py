"""Every call of the package, against botocore's description of AWS's services."""

from __future__ import annotations

import ast
import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

import airflow_fargate
from airflow_fargate.aws import ecs
from airflow_fargate.aws.logs import ContainerLogs
from airflow_fargate.launching.payload import S3Payloads
from airflow_fargate.tasks.messages import Missing, Seen
from airflow_fargate.testing import FakeEcs, run_task_request
from airflow_fargate.tracking.listener import Listener
from airflow_fargate.tracking.reconciler import Reconciler
from airflow_fargate.tracking.stopper import Stopper
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3 import S3Store
from aws_model import OLDER_MODEL, ModelClient, NotInTheModelError, modelled, operation_names, service_model
from unit.examples import ARN, CONFIG, QUEUE_URL, a_task, an_attempt, client_error

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ("ce", "ec2", "ecr", "ecs", "logs", "s3", "sqs", "sts")
SOURCES = Path(airflow_fargate.__file__).parent
EVENT = json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": a_task()})


def calls() -> Iterator[tuple[str, str, list[str]]]:
    """Yield the place, the method and the keywords of every call whose name is an operation of a service."""
    known = {name for service in SERVICES for name in operation_names(service)}
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            # Methods of ours have such names too (ecs.run_task(client, request)): they take plain arguments.
            if node.func.attr in known and not node.args:
                place = f"{path.relative_to(SOURCES)}:{node.lineno}"
                yield place, node.func.attr, [each.arg for each in node.keywords if each.arg]


@pytest.mark.parametrize(("place", "name", "keywords"), [pytest.param(*each, id=each[0]) for each in calls()])
def test_every_call_names_parameters_that_the_operation_has(
    place: str, name: str, keywords: list[str]
) -> None:
    """Including calls of the commands and the worker that no test makes."""
    takers = [
        service_model(service).operation_model(operation_names(service)[name]).input_shape
        for service in SERVICES
        if name in operation_names(service)
    ]
    assert any(set(keywords) <= set(shape.members) for shape in takers if shape is not None) or not keywords


def test_every_call_was_found() -> None:
    """The search above finds the executor's main calls."""
    found = {name for _, name, _ in calls()}
    assert found >= {
        "run_task",
        "describe_tasks",
        "list_tasks",
        "stop_task",
        "receive_message",
        "delete_message_batch",
        "change_message_visibility_batch",
        "put_object",
        "delete_object",
        "get_log_events",
    }


# --- the executor's parts, on clients made of the description -----------------------------------------------

EMPTY = pytest.mark.parametrize("empty", [False, True], ids=["every member", "no member"])


@EMPTY
def test_run_task_is_sent_and_read_as_described(empty: bool) -> None:  # noqa: FBT001  a parameter of the test
    """The whole request, and an answer with all members or none."""
    client = ModelClient("ecs", {"taskArn": ARN, "lastStatus": "RUNNING"}, empty=empty)
    request = run_task_request(
        executor_config={
            "cpu": 1024,
            "memory": 4096,
            "ephemeral_storage": 30,
            "capacity": ["FARGATE_SPOT"],
            "task_role": "arn:aws:iam::1:role/x",
            "env": {"A": "b"},
            "tags": {"c": "d"},
        }
    )
    answer = ecs.run_task(client, request)
    assert getattr(answer, "arn", None) == (None if empty else ARN)


@EMPTY
def test_tasks_are_described_listed_and_stopped_as_described(empty: bool) -> None:  # noqa: FBT001  as above
    """DescribeTasks, ListTasks, StopTask."""
    client = ModelClient("ecs", {"taskArn": ARN, "lastStatus": "RUNNING", "taskArns": [ARN]}, empty=empty)
    said: list[Any] = []
    reconciler = Reconciler(
        lambda _: client, "airflow", lambda each: f"airflow/{each}", lambda: 0.0, said.append
    )
    reconciler.ask([ARN], ["launch"])
    reconciler.run_one()
    reconciler.run_one()
    stopper = Stopper(lambda _: client, "airflow")
    stopper.ask(ARN, "no longer wanted")
    assert stopper.run_one() == 0.0
    assert set(client.called) >= {"describe_tasks", "list_tasks", "stop_task"}
    assert not any(isinstance(each, Missing) for each in said)


def test_a_missing_task_is_read_from_the_failures_as_described() -> None:
    """``failures[].arn`` and ``.reason`` exist."""
    client = ModelClient("ecs", {"tasks": [], "arn": ARN, "reason": "MISSING"})
    assert ecs.describe_tasks(client, "airflow", [ARN]) == ([], [ARN])


@EMPTY
@pytest.mark.parametrize("ours", [True, False])
def test_events_are_received_deleted_and_handed_back_as_described(empty: bool, ours: bool) -> None:  # noqa: FBT001  as above
    """ReceiveMessage with the send time, and both batch calls."""
    attributes = {"SentTimestamp": "1000"}
    client = ModelClient("sqs", {"Body": EVENT, "Attributes": attributes}, empty=empty)
    said: list[Any] = []
    Listener(lambda _: client, QUEUE_URL, lambda _: ours, lambda _: True, lambda: 1.5, said.append).receive()
    after = "delete_message_batch" if ours else "change_message_visibility_batch"
    assert client.called == ["receive_message"] + [after] * (not empty)
    assert [type(each) for each in said] == [Seen] * (ours and not empty)


@EMPTY
def test_log_lines_are_read_as_described(empty: bool) -> None:  # noqa: FBT001  as above
    """GetLogEvents, from both ends."""
    client = ModelClient("logs", {"message": "a line"}, empty=empty)
    logs = ContainerLogs(lambda _: client, "/worker", "worker", "worker")
    assert logs.last_lines(ARN, 20) == (() if empty else ("a line",))
    assert bool(logs.lines(ARN)) is not empty


def test_payloads_are_written_read_and_removed_as_described() -> None:
    """PutObject, GetObject, DeleteObject."""
    body = SimpleNamespace(read=lambda: b"content")
    client = ModelClient("s3", {"Body": body})
    store = S3Payloads(lambda _: client, "payloads", "workloads")
    (reference,) = store.references(an_attempt(), "{}")
    store.discard(an_attempt())
    worker = S3Store(client)
    assert worker.fetch("payloads", reference.removeprefix("s3://payloads/")) == b"content"
    worker.delete("payloads", "workloads/key")
    assert client.called == ["put_object", "delete_object", "get_object", "delete_object"]


def test_the_commands_call_and_read_as_described() -> None:
    """Every check of ``doctor``, and the listing of ``tasks``, ``cost`` and ``reap``."""
    from airflow_fargate.cli import checks  # noqa: PLC0415  imports Airflow, which not every environment has
    from airflow_fargate.cli.containers import list_containers  # noqa: PLC0415  the same

    values = {"name": "worker", "tags": [{"key": "airflow-fargate:deployment", "value": "airflow"}]}
    values |= {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow:1", "taskArn": ARN}
    clients = {service: ModelClient(service, values) for service in SERVICES}
    config = vars(CONFIG) | {
        "event_queue_url": QUEUE_URL,
        "payload_bucket": "payloads",
        "log_group": "/worker",
        "standby": {"default": {"min": 1}},
        "standby_root": CONFIG.standby_root,
    }
    session: Any = Namespace(config=Namespace(**config), clients=clients.__getitem__)
    for check in checks.CHECKS:
        assert list(check(session))
    assert [each.ecs_task.arn for each in list_containers(session, "RUNNING", "STOPPED")] == [ARN, ARN]


# --- and the net itself -------------------------------------------------------------------------------------


def test_a_request_that_aws_would_reject_is_caught() -> None:
    """An unknown parameter, and one with the wrong type."""
    client = modelled("ecs", FakeEcs())
    with pytest.raises(NotInTheModelError, match="clientTokn"):
        client.run_task(taskDefinition="worker", clientTokn="x")
    with pytest.raises(NotInTheModelError, match="count"):
        client.run_task(taskDefinition="worker", count="1")
    with pytest.raises(NotInTheModelError, match="GetCallerIdentity"):
        ModelClient("sts").get_caller_identity(Account="1")
    with pytest.raises(NotInTheModelError, match="has no run_tasks"):
        ModelClient("ecs").run_tasks()


def test_a_fake_that_answers_unlike_aws_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an unknown member deep inside, or a value of another type."""
    monkeypatch.delenv(OLDER_MODEL, raising=False)
    fake = FakeEcs()
    arn = fake.run_task(taskDefinition="worker")["tasks"][0]["taskArn"]
    client = modelled("ecs", fake)
    for member, value in (("exitKode", 1), ("exitCode", "1"), ("exitCode", True)):
        fake.tasks[arn]["containers"] = [{member: value}]
        with pytest.raises(NotInTheModelError, match=member):
            client.describe_tasks(cluster="airflow", tasks=[arn])


def test_reading_a_member_that_aws_never_sends_is_caught() -> None:
    """By get, by index and by ``in``; in an answer and in an error."""
    answer = modelled("ecs", FakeEcs()).run_task(taskDefinition="worker")
    for read in (lambda: answer["task"], lambda: answer.get("task"), lambda: "task" in answer):
        with pytest.raises(NotInTheModelError, match="RunTask has no member 'task'"):
            read()
    fake = FakeEcs()
    fake._rejections.append(client_error("ConflictException", resourceIds=[ARN]))
    with pytest.raises(ClientError) as caught:
        modelled("ecs", fake).run_task(taskDefinition="worker")
    assert caught.value.response["resourceIds"] == [ARN]
    with pytest.raises(NotInTheModelError, match="resourceId"):
        caught.value.response.get("resourceId")
    fake._rejections.append(client_error("AccessDeniedException", resourceIds=[ARN]))
    with pytest.raises(NotInTheModelError, match="AccessDeniedException has no"):
        modelled("ecs", fake).run_task(taskDefinition="worker")


def test_the_worker_reads_errors_as_described() -> None:
    """An object that does not exist."""
    gone = ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
    client = SimpleNamespace(get_object=lambda **_: (_ for _ in ()).throw(gone))
    with pytest.raises(WorkerError, match="NoSuchKey"):
        S3Store(modelled("s3", client)).fetch("payloads", "workloads/key")
