"""The cloud over HTTP: what boto3 and Terraform meet, with simulated tasks."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.exceptions import ConnectionClosedError as BotoConnectionClosed

from contract.local_cloud.worlds import NUMBERS, client
from local_cloud import Behaviour, Fault
from local_cloud.cloud import CloudOptions, LocalCloud


def test_boto3_sees_ecss_errors_as_its_own_exceptions(cloud: LocalCloud) -> None:
    """An unknown cluster is ecs.exceptions.ClusterNotFoundException."""
    ecs = client(cloud.endpoint, "ecs")
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.list_tasks(cluster="nowhere")


def test_an_unknown_subnet_or_security_group_is_refused(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """What is not in the emulated VPC cannot be used, and the answer names it."""
    ecs = client(cloud.endpoint, "ecs")
    known = request_for["networkConfiguration"]["awsvpcConfiguration"]
    for wrong in ({"subnets": ["subnet-none"]}, {**known, "securityGroups": ["sg-none"]}):
        request = {**request_for, "networkConfiguration": {"awsvpcConfiguration": wrong}}
        with pytest.raises(ClientError, match="-none' does not exist"):
            ecs.run_task(**request)


def test_a_deregistered_definition_is_refused(cloud: LocalCloud, request_for: dict[str, Any]) -> None:
    """An inactive revision launches nothing; its family without an active one is not found."""
    ecs = client(cloud.endpoint, "ecs")
    revision = f"{request_for['taskDefinition']}:1"
    ecs.run_task(**request_for)
    ecs.deregister_task_definition(taskDefinition=revision)
    with pytest.raises(ClientError, match="TaskDefinition is inactive"):
        ecs.run_task(**{**request_for, "taskDefinition": revision})
    with pytest.raises(ClientError, match="TaskDefinition not found"):
        ecs.run_task(**request_for)


def test_the_region_is_the_one_the_request_was_signed_for(cloud: LocalCloud) -> None:
    """A cluster of one region is unknown in another."""
    session = boto3.Session("local", "local", region_name="eu-central-1")
    other = session.client("ecs", endpoint_url=cloud.endpoint)
    arn = other.create_cluster(clusterName="abroad")["cluster"]["clusterArn"]
    assert other.list_tasks(cluster=arn)["taskArns"] == []
    with pytest.raises(ClientError, match="ClusterNotFound"):
        client(cloud.endpoint, "ecs").list_tasks(cluster="abroad")


def test_a_lost_answer_is_a_closed_connection_and_a_task(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """The caller sees no answer; the same token then finds the task that was launched."""
    ecs = client(cloud.endpoint, "ecs")
    cloud.plane.faults.add(Fault("lost", operations=("RunTask",), times=1))
    before = len(cloud.plane.tasks())
    with pytest.raises(BotoConnectionClosed):
        ecs.run_task(**request_for, clientToken="lost")
    again = ecs.run_task(**request_for, clientToken="lost")
    assert len(again["tasks"]) == 1
    assert len(cloud.plane.tasks()) == before + 1


def test_a_late_answer_keeps_nobody_else_waiting(
    cloud: LocalCloud, request_for: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the answer to one call is held back, others are answered."""
    late, released, sleep = 5.0, threading.Event(), asyncio.sleep

    async def held_back(seconds: float, *rest: Any) -> Any:
        while seconds == late and not released.is_set():
            await sleep(0.01)
        return await sleep(0.0 if seconds == late else seconds, *rest)

    monkeypatch.setattr(asyncio, "sleep", held_back)
    cloud.plane.faults.add(Fault("latency", operations=("RunTask",), times=1, delay=late))
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(client(cloud.endpoint, "ecs").run_task, **request_for)
        while cloud.plane.faults.injected["latency"] == 0:
            client(cloud.endpoint, "ecs").list_tasks(cluster=request_for["cluster"])
        client(cloud.endpoint, "ecs").list_tasks(cluster=request_for["cluster"])
        assert not hanging.done()
        released.set()
        assert len(hanging.result()["tasks"]) == 1


def test_faults_strike_other_services_when_they_are_named(cloud: LocalCloud) -> None:
    """An expired token at SQS, a lost answer and a server error at S3; ECS's faults leave them alone."""
    sqs, s3 = client(cloud.endpoint, "sqs"), client(cloud.endpoint, "s3")
    queue = sqs.create_queue(QueueName=f"q{next(NUMBERS)}")["QueueUrl"]
    bucket = f"bucket{next(NUMBERS)}"
    expired = Fault(
        "error", operations=("sqs:ReceiveMessage",), times=1, code="ExpiredTokenException", status=403
    )
    lost = Fault("lost", operations=("s3:PUT",), times=1)
    broken = Fault("error", operations=("s3:HEAD", "s3:GET"), times=1, code="InternalError")
    cloud.plane.faults.add(expired, lost, broken, Fault("throttle"))
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        sqs.receive_message(QueueUrl=queue)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    with pytest.raises(BotoConnectionClosed):
        s3.create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="InternalError"):
        s3.list_objects_v2(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_cluster_with_tasks_cannot_be_deleted(cloud: LocalCloud, request_for: dict[str, Any]) -> None:
    """ClusterContainsTasksException until the last one has stopped."""
    ecs, cluster = client(cloud.endpoint, "ecs"), request_for["cluster"]
    cloud.engine.default = Behaviour(provisioning=0, pending=0, run=None, stopping=0, deprovisioning=0)  # type: ignore[attr-defined]
    arn = ecs.run_task(**request_for)["tasks"][0]["taskArn"]
    with pytest.raises(ecs.exceptions.ClusterContainsTasksException):
        ecs.delete_cluster(cluster=cluster)
    ecs.stop_task(cluster=cluster, task=arn)
    while ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]["lastStatus"] != "STOPPED":
        pass
    assert ecs.delete_cluster(cluster=cluster)["cluster"]["status"] == "INACTIVE"


def test_throttling_and_server_errors_are_aws_json(cloud: LocalCloud, request_for: dict[str, Any]) -> None:
    """Codes and statuses as boto3's retry rules know them."""
    ecs = client(cloud.endpoint, "ecs")
    expected = [("throttle", "ThrottlingException", 400), ("server_error", "ServerException", 500)]
    for kind, code, status in expected:
        cloud.plane.faults.add(Fault(kind, times=1))
        with pytest.raises(ClientError) as raised:
            ecs.list_tasks(cluster=request_for["cluster"])
        assert raised.value.response["Error"]["Code"] == code
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_everything_else_is_motos(cloud: LocalCloud) -> None:
    """Objects with awkward names, policies, tokens for ECR: through the same port."""
    s3, iam, ecr = (client(cloud.endpoint, name) for name in ("s3", "iam", "ecr"))
    bucket, key, body = f"bucket{next(NUMBERS)}", "a b/ü+%2F.txt", b"x" * 3_000_000
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"with_underscore": "1"})
    found = s3.get_object(Bucket=bucket, Key=key)
    assert found["Body"].read() == body
    assert found["Metadata"] == {"with_underscore": "1"}
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(body)
    assert iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/AmazonECS_FullAccess")["Policy"]
    assert ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]


def test_the_inventory_names_what_is_left(cloud: LocalCloud) -> None:
    """A resource is in it from its making to its removal; the account's own furniture never is."""
    logs, name = client(cloud.endpoint, "logs"), f"/left/{next(NUMBERS)}"
    client(cloud.endpoint, "ec2").describe_vpcs()
    logs.create_log_group(logGroupName=name)
    assert name in page(cloud, "inventory")["logs"]
    logs.delete_log_group(logGroupName=name)
    left = page(cloud, "inventory")
    assert name not in left.get("logs", [])
    assert "ec2" not in left


def test_the_tasks_page_shows_every_task_there_has_been(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """With timeline, exit codes, startedBy and tags."""
    tags = [{"key": "a", "value": "1"}]
    ecs = client(cloud.endpoint, "ecs")
    arn = ecs.run_task(**request_for, startedBy="me", tags=tags, clientToken="page")["tasks"][0]["taskArn"]
    shown = next(task for task in page(cloud, "tasks")["tasks"] if task["taskArn"] == arn)
    assert (shown["startedBy"], shown["clientToken"], shown["tags"]) == ("me", "page", tags)
    assert set(shown["exitCodes"]) == {"worker"}
    assert "createdAt" in shown["timeline"]


def test_faults_and_behaviours_are_set_over_http(cloud: LocalCloud, request_for: dict[str, Any]) -> None:
    """POST /_local/faults: what it takes takes effect, what it does not know is refused by name."""
    wanted = {
        "faults": [{"kind": "throttle", "operations": ["StopTask"], "times": 1}],
        "behaviour": {"run": 0, "provisioning": [0, 0.01], "pending": 0, "deprovisioning": 0, "exit_code": 7},
    }
    page(cloud, "faults", wanted)
    ecs = client(cloud.endpoint, "ecs")
    arn = ecs.run_task(**request_for)["tasks"][0]["taskArn"]
    with pytest.raises(ClientError, match="Throttling"):
        ecs.stop_task(cluster=request_for["cluster"], task=arn)
    while (task := ecs.describe_tasks(cluster=request_for["cluster"], tasks=[arn])["tasks"][0])[
        "lastStatus"
    ] != "STOPPED":
        pass
    assert task["containers"][0]["exitCode"] == 7
    with pytest.raises(urllib.error.HTTPError) as raised:
        page(cloud, "faults", {"behaviour": {"speed": 1}})
    assert "speed" in raised.value.read().decode()
    assert page(cloud, "faults")["injected"]["throttle"] >= 1


def page(cloud: LocalCloud, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One of the cloud's own pages."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{cloud.endpoint}/_local/{name}", data=data, timeout=60) as reply:  # noqa: S310
        return dict(json.load(reply))


def test_a_layer_can_be_put_in_front() -> None:
    """What it makes of the application is what is served: here a teapot before every page."""

    def layer(inner: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/teapot":
                await inner(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return application

    cloud = LocalCloud(CloudOptions(engine="simulated", port=0))
    cloud.build()
    cloud.put_in_front(layer)
    serving = threading.Thread(target=cloud.serve)
    serving.start()
    try:
        assert page(cloud, "health") == {"status": "ok"}
        with pytest.raises(urllib.error.HTTPError, match="418"):
            urllib.request.urlopen(f"{cloud.endpoint}/teapot")  # noqa: S310  this machine
    finally:
        cloud.close()
        serving.join(60)
