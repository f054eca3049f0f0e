"""The judge of a run: what the local cloud recorded, against policies."""

from __future__ import annotations

import json
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud.cloud import CloudOptions, LocalCloud
from terraform import run_permissions
from terraform.iam import ACCOUNT, REGION, Policy
from terraform.iam_calls import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
PLACE = Place("airflow", (), {"*": KEY})
TASK = "ASIA0123456789ABCDEF"


def allowing(**permissions: tuple[str, str]) -> Policy:
    """Return a policy of one statement for each Sid: its action, and its resource."""
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
        for sid, (action, resource) in permissions.items()
    ]
    return Policy.parse(json.dumps({"Statement": statements}))


FETCH = {"Fetch": ("s3:GetObject", "arn:aws:s3:::b/p/*"), "Key": ("kms:Decrypt", KEY)}
LOOK = {"Look": ("logs:DescribeLogGroups", "*")}
LOOKED: dict[str, Any] = {
    "caller": "scheduler",
    "service": "logs",
    "operation": "DescribeLogGroups",
    "parameters": {},
}
SHOWN: dict[str, Any] = {
    "caller": "api-server",
    "service": "s3",
    "operation": "ListObjectsV2",
    "parameters": {"Bucket": "b"},
}


def fetched(key: str, operation: str = "GetObject") -> dict[str, Any]:
    """Return a task's call."""
    parameters = {"Bucket": "b", "Key": key}
    return {"caller": TASK, "service": "s3", "operation": operation, "parameters": parameters}


def account(task: Policy, scheduler: Policy) -> run_permissions.Account:
    """Return an account with these policies."""
    reader = allowing(Show=("s3:ListBucket", "arn:aws:s3:::b"))
    policies = {"task": task, "scheduler": scheduler, "reader": reader, "triggerer": Policy(())}
    return run_permissions.Account(policies, PLACE)


def test_a_run_that_needs_what_it_may_has_no_findings() -> None:
    """Both ways clean."""
    calls = [fetched("p/x"), LOOKED, SHOWN]

    assert run_permissions.judge(calls, account(allowing(**FETCH), allowing(**LOOK))) == []


def test_a_call_without_permission_is_a_finding() -> None:
    """The sentence names who, what and on what."""
    calls = [fetched("p/x"), fetched("other/x"), LOOKED, SHOWN]

    (found,) = run_permissions.judge(calls, account(allowing(**FETCH), allowing(**LOOK)))

    assert found == "The task called s3:GetObject: its policy lacks s3:GetObject on arn:aws:s3:::b/other/x."


def test_the_api_server_must_not_launch() -> None:
    """A call that the scheduler may make is a finding when the API server makes it."""
    calls = [fetched("p/x"), LOOKED, SHOWN, {**LOOKED, "caller": "api-server"}]

    (found,) = run_permissions.judge(calls, account(allowing(**FETCH), allowing(**LOOK)))

    assert found == "The reader called logs:DescribeLogGroups: its policy lacks logs:DescribeLogGroups on *."


def test_a_permission_without_a_call_is_a_finding() -> None:
    """What nobody used is named, with its statement."""
    task = allowing(**FETCH, Drop=("s3:DeleteObject", "arn:aws:s3:::b/p/*"))

    found = run_permissions.judge([fetched("p/x"), LOOKED, SHOWN], account(task, allowing(**LOOK)))

    assert found == ["The task may s3:DeleteObject (Drop) and never did."]


def test_a_call_that_nobody_thought_of_is_a_finding() -> None:
    """An operation that the judge does not know is never passed over."""
    calls = [fetched("p/x"), fetched("p/x", "PutObjectAcl"), LOOKED, SHOWN]

    (found,) = run_permissions.judge(calls, account(allowing(**FETCH), allowing(**LOOK)))

    assert "s3:PutObjectAcl, which tests/terraform/iam_calls.py does not know" in found


def test_a_task_is_tagged_by_its_own_tags() -> None:
    """The scheduler may tag standbys only, so a tagged task that is none, or is not known, is a finding."""
    standby, task, unknown = (f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/smoke/{name}" for name in "stu")
    statement = {
        "Sid": "Tag",
        "Effect": "Allow",
        "Action": "ecs:TagResource",
        "Resource": "*",
        "Condition": {"StringLike": {"aws:ResourceTag/airflow-fargate:standby": "?*"}},
    }
    tags = {standby: {"airflow-fargate:standby": "S"}, task: {"airflow-fargate:task-id": "t"}}
    place = Place("airflow", (), {"*": KEY}, tags)
    scheduler = allowing(**LOOK) + Policy.parse(json.dumps({"Statement": [statement]}))
    policies = account(allowing(**FETCH), scheduler).policies
    calls = [fetched("p/x"), LOOKED, SHOWN]

    def judged(*arns: str) -> list[str]:
        tagged = [
            {
                "caller": "scheduler",
                "service": "ecs",
                "operation": "TagResource",
                "parameters": {"resourceArn": arn},
            }
            for arn in arns
        ]
        return run_permissions.judge([*calls, *tagged], run_permissions.Account(policies, place))

    assert judged(standby) == []
    assert judged(standby, task, unknown) == [
        f"The scheduler called ecs:TagResource: its policy lacks ecs:TagResource on {arn}."
        for arn in (task, unknown)
    ]


def test_components_in_containers_are_known_by_their_services() -> None:
    """The API server's container has the API server's role; the doctor's has the scheduler's."""
    tasks: list[dict[str, Any]] = [
        {"taskId": "a" * 32, "group": "service:api", "startedBy": "ecs-svc/1"},
        {"taskId": "b" * 32, "group": "family:smoke-scheduler", "startedBy": "make-up-doctor"},
        {"taskId": "c" * 32, "group": "family:smoke-worker", "startedBy": "airflow"},
    ]
    api, doctor, task = (f"ASIA{letter * 16}" for letter in "ABC")
    callers = dict(run_permissions._callers(tasks))
    assert callers == {api: "reader", doctor: "scheduler"}

    own = account(allowing(**FETCH), allowing(**LOOK))
    complete = run_permissions.Account(own.policies, PLACE, callers)
    fetches, looks, shows = fetched("p/x"), {**LOOKED, "caller": doctor}, {**SHOWN, "caller": api}
    assert run_permissions.judge([{**fetches, "caller": task}, looks, shows], complete) == []
    (found,) = run_permissions.judge(
        [{**fetches, "caller": task}, looks, shows, {**LOOKED, "caller": api}], complete
    )
    assert found.startswith("The reader called logs:DescribeLogGroups")


def test_a_run_that_was_not_recorded_does_not_pass() -> None:
    """No calls, no verdict."""
    assert run_permissions.judge([], account(Policy(()), Policy(()))) == [
        "Not one call of the scheduler was recorded.",
        "Not one call of the reader was recorded.",
        "Not one call of the task was recorded.",
    ]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Return a local cloud that keeps the book."""
    with LocalCloud(CloudOptions(engine="simulated", port=0, record_calls=True)) as cloud:
        yield cloud


def client(cloud: LocalCloud, service: str, caller: str) -> Any:
    """Return a client that signs as ``caller``."""
    return boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id=caller,
        aws_secret_access_key="x",
    )


def test_the_book_knows_every_protocol_and_keeps_no_contents(cloud: LocalCloud) -> None:
    """JSON, S3's paths, EC2's forms: who, what and on what, each once with its count; no token, no body."""
    s3 = client(cloud, "s3", TASK)
    s3.create_bucket(Bucket="bucket")
    for _ in range(2):
        s3.put_object(Bucket="bucket", Key="a key/with=signs", Body=b"secret")
    s3.list_objects_v2(Bucket="bucket", Prefix="a")
    with pytest.raises(ClientError):
        client(cloud, "ecs", "scheduler").run_task(
            cluster="c",
            taskDefinition="worker",
            overrides={"containerOverrides": [{"name": "worker", "command": ["secret"]}]},
            tags=[{"key": "a", "value": "b"}],
        )
    with pytest.raises(ClientError):
        client(cloud, "ecs", "scheduler").tag_resource(
            resourceArn="arn:aws:ecs:us-east-1:1:task/c/t", tags=[{"key": "a", "value": "secret"}]
        )
    client(cloud, "ec2", "scheduler").describe_subnets()
    client(cloud, "sts", "scheduler").get_caller_identity()

    with urllib.request.urlopen(f"{cloud.endpoint}/_local/calls", timeout=60) as reply:  # noqa: S310  loopback
        text = reply.read().decode()

    told = {
        (call["caller"], call["service"], call["operation"], json.dumps(call["parameters"])): call["count"]
        for call in json.loads(text)["calls"]
    }
    object_ = json.dumps({"Bucket": "bucket", "Key": "a key/with=signs"})
    run = json.dumps({"cluster": "c", "taskDefinition": "worker", "tags": True})
    tag = json.dumps({"resourceArn": "arn:aws:ecs:us-east-1:1:task/c/t", "tags": True})
    assert told == {
        (TASK, "s3", "CreateBucket", '{"Bucket": "bucket"}'): 1,
        (TASK, "s3", "PutObject", object_): 2,
        (TASK, "s3", "ListObjects", '{"Bucket": "bucket", "Prefix": "a"}'): 1,
        ("scheduler", "ecs", "RunTask", run): 1,
        ("scheduler", "ecs", "TagResource", tag): 1,
        ("scheduler", "ec2", "DescribeSubnets", "{}"): 1,
        ("scheduler", "sts", "GetCallerIdentity", "{}"): 1,
    }
    assert "secret" not in text


def test_a_call_that_was_cut_off_is_none(cloud: LocalCloud) -> None:
    """If the sender is killed before the request is complete, AWS has not been called."""
    body = b'{"QueueUrl": "q"}'
    signed = "AWS4-HMAC-SHA256 Credential=killed/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host"
    head = (
        f"POST / HTTP/1.1\r\nHost: cloud\r\nAuthorization: {signed}\r\n"
        "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    address = ("127.0.0.1", int(cloud.endpoint.rpartition(":")[2]))

    def recorded() -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{cloud.endpoint}/_local/calls", timeout=60) as reply:  # noqa: S310  loopback
            calls = json.load(reply)["calls"]
        return [call["parameters"] for call in calls if call["caller"] == "killed"]

    for sent in (body[:5], body):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head + sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert recorded() == [{"QueueUrl": "q"}]


def test_what_a_run_need_not_use_is_passed_over() -> None:
    """Where tasks are commands there is no payload to fetch; elsewhere that permission is needed."""
    payload = {
        "FetchOwnPayload": ("s3:GetObject", "arn:aws:s3:::b/payloads/*"),
        "WriteLogs": ("s3:GetObject", "arn:aws:s3:::b/p/*"),
        "Key": ("kms:Decrypt", KEY),
    }
    calls, policies = [fetched("p/x"), LOOKED, SHOWN], account(allowing(**payload), allowing(**LOOK))
    assert run_permissions.judge(calls, policies) == [
        "The task may s3:GetObject (FetchOwnPayload) and never did."
    ]
    assert run_permissions.judge(calls, policies, run_permissions.NOT_WITH_COMMANDS) == []
