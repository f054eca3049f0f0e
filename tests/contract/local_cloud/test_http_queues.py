"""Events and queues over HTTP: what the executor's listener meets, with simulated tasks."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from contract.local_cloud.worlds import NUMBERS, client, watch

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def test_an_event_reaches_a_waiting_receiver_within_a_tenth_of_a_second(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """Long polling with 20 s: a message is there as soon as it is sent, however many receivers wait."""
    sqs, ecs = client(cloud.endpoint, "sqs"), client(cloud.endpoint, "ecs")
    name = f"q{next(NUMBERS)}"
    detail = {"clusterArn": [{"suffix": f"/{request_for['cluster']}"}], "lastStatus": ["STOPPED"]}
    queue = watch(client(cloud.endpoint, "events"), sqs, name, detail)
    idle = sqs.create_queue(QueueName=f"{name}-idle")["QueueUrl"]
    session = boto3.Session("local", "local", region_name="us-east-1")
    many = session.client(
        "sqs",
        endpoint_url=cloud.endpoint,
        config=Config(max_pool_connections=50, retries={"max_attempts": 0}),
    )
    with ThreadPoolExecutor(41) as pool:
        waiting = [pool.submit(many.receive_message, QueueUrl=idle, WaitTimeSeconds=3) for _ in range(40)]
        receiving = pool.submit(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
        ecs.list_tasks(cluster=request_for["cluster"])  # with 41 calls waiting
        arn = ecs.run_task(**request_for)["tasks"][0]["taskArn"]
        message = receiving.result()["Messages"][0]
        received = time.time()
        assert all("Messages" not in future.result() for future in waiting)
    event = json.loads(message["Body"])
    assert event["resources"] == [arn]
    task = cloud.plane.task(arn)
    assert task is not None
    assert task.stopped_at is not None
    # It came when it was sent, and not when the poll of 20 s ended.
    assert received - task.stopped_at < 10.0


def test_a_receiver_that_went_away_takes_no_message_along(cloud: LocalCloud) -> None:
    """A connection closed in the middle of a long poll leaves the next message visible for others."""
    sqs = client(cloud.endpoint, "sqs")
    queue = sqs.create_queue(QueueName=f"q{next(NUMBERS)}")["QueueUrl"]
    config = Config(read_timeout=0.5, retries={"max_attempts": 0})
    session = boto3.Session("local", "local", region_name="us-east-1")
    impatient = session.client("sqs", endpoint_url=cloud.endpoint, config=config)
    with pytest.raises(ReadTimeoutError):
        impatient.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
    sqs.send_message(QueueUrl=queue, MessageBody="still here")
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"][0]["Body"] == "still here"


def test_messages_are_hidden_shown_again_deleted_and_moved_to_the_dead_letters(cloud: LocalCloud) -> None:
    """SQS's own rules: visibility, receive count, batches, redrive."""
    sqs = client(cloud.endpoint, "sqs")
    number = next(NUMBERS)
    dead = sqs.create_queue(QueueName=f"dead{number}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    queue = sqs.create_queue(QueueName=f"q{number}", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    first = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert {message["Body"] for message in first} == {"a", "b"}
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in first} == {"1"}
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    shown = [
        {"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        for message in first
    ]
    assert len(sqs.change_message_visibility_batch(QueueUrl=queue, Entries=shown)["Successful"]) == 2
    again = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)["Messages"]
    done = [
        {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]} for message in again if message["Body"] == "a"
    ]
    answer = sqs.delete_message_batch(
        QueueUrl=queue, Entries=[*done, {"Id": "2", "ReceiptHandle": "strange"}]
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["1"]
    assert [entry["Code"] for entry in answer["Failed"]] == ["ReceiptHandleIsInvalid"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=done[0]["ReceiptHandle"])  # once more: harmless
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert sqs.receive_message(QueueUrl=dead)["Messages"][0]["Body"] == "b"


def test_no_message_is_lost_while_others_are_deleted(cloud: LocalCloud) -> None:
    """Sending and deleting at once, from several threads: every message is received exactly once."""
    sqs = client(cloud.endpoint, "sqs")
    queue = sqs.create_queue(QueueName=f"q{next(NUMBERS)}")["QueueUrl"]
    received: list[str] = []
    enough = threading.Event()

    def send(name: str) -> None:
        for number in range(40):
            sqs.send_message(QueueUrl=queue, MessageBody=f"{name}{number}")

    def receive() -> None:
        while not enough.is_set():
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                received.append(message["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            if len(received) >= 120 or not answer.get("Messages"):
                return

    with ThreadPoolExecutor(5) as pool:
        futures = [pool.submit(send, name) for name in "abc"] + [pool.submit(receive) for _ in range(2)]
        for future in futures:
            future.result()
    receive()
    assert sorted(received) == sorted(f"{name}{number}" for name in "abc" for number in range(40))


def test_an_event_for_a_deleted_queue_goes_to_the_targets_dead_letters(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """As EventBridge does it with the target's own dead-letter queue."""
    sqs, events = client(cloud.endpoint, "sqs"), client(cloud.endpoint, "events")
    name = f"q{next(NUMBERS)}"
    detail = {"clusterArn": [{"suffix": f"/{request_for['cluster']}"}], "lastStatus": ["STOPPED"]}
    queue = watch(events, sqs, name, detail)
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:" + name
    target = {"Id": "queue", "Arn": arn, "DeadLetterConfig": {"Arn": f"{arn}-dead"}}
    events.put_targets(Rule=name, Targets=[target])
    sqs.delete_queue(QueueUrl=queue)
    task = client(cloud.endpoint, "ecs").run_task(**request_for)["tasks"][0]["taskArn"]
    found = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=20)["Messages"][0]
    assert json.loads(found["Body"])["resources"] == [task]


def test_a_disabled_rule_sends_nothing(cloud: LocalCloud, request_for: dict[str, Any]) -> None:
    """Only enabled rules see the events."""
    sqs, events, ecs = (client(cloud.endpoint, name) for name in ("sqs", "events", "ecs"))
    names = [f"q{next(NUMBERS)}" for _ in range(2)]
    detail = {"clusterArn": [{"suffix": f"/{request_for['cluster']}"}], "lastStatus": ["STOPPED"]}
    off, on = (watch(events, sqs, name, detail) for name in names)
    events.disable_rule(Name=names[0])
    ecs.run_task(**request_for)
    assert sqs.receive_message(QueueUrl=on, WaitTimeSeconds=20)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=off)
