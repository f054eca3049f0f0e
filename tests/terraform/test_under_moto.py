"""The executor under the scheduler's policy with moto's own enforcement on, as far as moto enforces.

moto checks the signature, finds the bearer of the key and the policies attached to it. What it asks them is
less than AWS does: it tells the resource for S3, SQS, IAM and STS alone (all others are asked for ``*``),
takes a batch for an action of its own, knows no condition key, and asks nothing besides (``iam:PassRole``,
KMS). What comes of that for our policy is measured below; ``test_under_policy.py`` judges the rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.authorization import enable_iam_authentication

from airflow_fargate.cli import checks
from airflow_fargate.cli.session import Session
from airflow_fargate.launching.payload import store_for
from contract.cli import test_commands as commands
from terraform import test_under_policy
from unit.examples import an_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

all_written = test_under_policy.all_written
written = test_under_policy.written
policy_document = test_under_policy.policy_document

NOBODY = "0" * 32
FORBIDDEN = 403


@pytest.fixture(scope="module")
def account() -> Iterator[Session]:
    """Return an emulated account with what the policy is about."""
    with pytest.MonkeyPatch.context() as monkeypatch, commands.emulated_account(monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def session(account: Session, policy_document: str) -> Iterator[Session]:
    """Return the account as the policy's bearer sees it, with moto's enforcement on; no test changes it."""
    iam, sts = boto3.client("iam"), boto3.client("sts", region_name=commands.REGION)
    role = iam.create_role(RoleName="scheduler", AssumeRolePolicyDocument="{}")["Role"]
    policy = iam.create_policy(PolicyName="scheduler", PolicyDocument=policy_document)["Policy"]
    iam.attach_role_policy(RoleName="scheduler", PolicyArn=policy["Arn"])
    account.clients("s3").create_bucket(Bucket="other")
    account.clients("sqs").create_queue(QueueName="other")
    key = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="scheduler")["Credentials"]

    def clients(service: str) -> Any:
        return boto3.client(
            service,
            region_name=commands.REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key["SessionToken"],
        )

    with enable_iam_authentication():
        yield Session(account.config, clients)


def refused(call: Callable[[], Any]) -> bool:
    """Tell whether a call is refused for lack of a permission; any other answer counts as allowed."""
    try:
        call()
    except ClientError as error:
        # By the status: moto writes the refusal as XML, which the services that speak JSON do not read.
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == FORBIDDEN)
    return False


def test_the_executor_hands_workloads_over(session: Session) -> None:
    """A payload is put and deleted below the prefix of our bucket."""
    store = store_for(session.clients, "payloads", "workloads")
    attempt = an_attempt()

    assert store.references(attempt, '{"token": "x"}')
    store.discard(attempt)


@pytest.mark.parametrize(
    "check", [checks.credentials, checks.task_definition, checks.event_queue, checks.log_group]
)
def test_the_doctor_may_look(check: Callable[[Session], Any], session: Session) -> None:
    """What the doctor asks without a condition is answered."""
    try:
        found = list(check(session))
    except ClientError as error:
        # The image's repository is a resource that moto does not tell: see below.
        assert error.operation_name == "DescribeImages"  # noqa: PT017  any other refusal is a fault
        return
    assert all(each.ok is not False for each in found)


def other_queue(session: Session) -> str:
    """Return the URL of a queue that is not ours."""
    return session.config.event_queue_url.replace("/events", "/other")


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.clients("s3").put_object(Bucket="other", Key="workloads/x", Body=b""),
        lambda s: s.clients("s3").put_object(Bucket="payloads", Key="elsewhere/x", Body=b""),
        lambda s: s.clients("s3").get_object(Bucket="payloads", Key="workloads/x"),
        lambda s: s.clients("s3").list_objects_v2(Bucket="payloads"),
        lambda s: s.clients("sqs").receive_message(QueueUrl=other_queue(s)),
        lambda s: s.clients("sqs").send_message(QueueUrl=s.config.event_queue_url, MessageBody="x"),
        lambda s: s.clients("sqs").purge_queue(QueueUrl=s.config.event_queue_url),
        lambda s: s.clients("ecs").delete_cluster(cluster="airflow"),
        lambda s: s.clients("ecs").register_task_definition(family="x", containerDefinitions=[]),
        lambda s: s.clients("iam").create_user(UserName="x"),
        lambda s: s.clients("logs").delete_log_group(logGroupName="/worker"),
    ],
    ids=[
        "put elsewhere",
        "put beside the prefix",
        "read a payload",
        "list payloads",
        "another's queue",
        "send an event",
        "purge",
        "delete the cluster",
        "register a definition",
        "make a user",
        "delete logs",
    ],
)
def test_moto_refuses_what_the_executor_must_not_do(call: Callable[[Session], Any], session: Session) -> None:
    """Other buckets, prefixes, queues and actions are out of reach."""
    assert refused(lambda: call(session))


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.clients("sqs").receive_message(QueueUrl=s.config.event_queue_url),
        lambda s: s.clients("sqs").delete_message(QueueUrl=s.config.event_queue_url, ReceiptHandle="x"),
        lambda s: s.clients("ec2").describe_subnets(),
        lambda s: s.clients("ec2").describe_route_tables(),
        lambda s: s.clients("ec2").describe_vpc_endpoints(),
    ],
    ids=["receive", "delete", "subnets", "route tables", "endpoints"],
)
def test_moto_allows_what_it_can_judge(call: Callable[[Session], Any], session: Session) -> None:
    """Where moto tells the resource, or there is none, the policy's yes is a yes."""
    assert not refused(lambda: call(session))


UNJUDGED: dict[str, Callable[[Session], Any]] = {
    "RunTask: no resource": lambda s: s.clients("ecs").run_task(cluster="airflow", taskDefinition="worker"),
    "DescribeTasks: no resource": lambda s: s.clients("ecs").describe_tasks(
        cluster="airflow", tasks=[NOBODY]
    ),
    "StopTask: no resource": lambda s: s.clients("ecs").stop_task(cluster="airflow", task=NOBODY),
    "DescribeClusters: no resource": lambda s: s.clients("ecs").describe_clusters(clusters=["airflow"]),
    "GetLogEvents: no resource": lambda s: s.clients("logs").get_log_events(
        logGroupName="/worker", logStreamName="x"
    ),
    "DescribeImages: no resource": lambda s: s.clients("ecr").describe_images(repositoryName="airflow"),
    "DeleteMessageBatch: another action": lambda s: s.clients("sqs").delete_message_batch(
        QueueUrl=s.config.event_queue_url, Entries=[{"Id": "1", "ReceiptHandle": "x"}]
    ),
}


@pytest.mark.parametrize("call", UNJUDGED.values(), ids=UNJUDGED)
def test_what_moto_cannot_judge_it_refuses(call: Callable[[Session], Any], session: Session) -> None:
    """AWS allows these. When this fails moto has learned to judge the call: move it to the test above."""
    assert refused(lambda: call(session))


def test_moto_knows_no_condition_key(session: Session, policy_document: str) -> None:
    """Our policy holds ListTasks to our cluster; moto lets it list any."""
    (listing,) = (
        each for each in json.loads(policy_document)["Statement"] if each["Action"] == "ecs:ListTasks"
    )

    assert listing["Condition"]
    assert not refused(lambda: session.clients("ecs").list_tasks(cluster="other"))
