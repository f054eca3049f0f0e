"""Calls AWS's API for the smoke, in a child process; prints nothing.

``python -m smoke.gather VERB ORDER.json RESULT.json``, where the verb is one of:

- ``attach``: create a second queue that gets every task state change, besides the executor's.
- ``detach``: delete that queue, and return its events.
- ``collect``: read CloudWatch Logs, DescribeTasks and the queues' depths.
- ``stop``: call StopTask for some tasks, as a person outside does.
- ``hide``: put values for containers into Secrets Manager.
- ``forget``: delete those values.

The order names the cluster, log group and queues. AWS's address comes from the environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDER = "smoke-recorder"
SECRET = "smoke-airflow"
PATTERN = json.dumps({"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]})


def attach() -> dict[str, Any]:
    """Create the recording queue and its rule."""
    sqs, events = boto3.client("sqs"), boto3.client("events")
    queue = sqs.create_queue(QueueName=RECORDER)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=RECORDER, EventPattern=PATTERN)
    events.put_targets(Rule=RECORDER, Targets=[{"Id": "recorder", "Arn": arn}])
    return {}


def detach() -> dict[str, Any]:
    """Return the recorded events, and remove the queue and its rule."""
    sqs, events = boto3.client("sqs"), boto3.client("events")
    queue = sqs.get_queue_url(QueueName=RECORDER)["QueueUrl"]
    recorded: list[Any] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        recorded += [json.loads(message["Body"]) for message in messages]
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    events.remove_targets(Rule=RECORDER, Ids=["recorder"])
    events.delete_rule(Name=RECORDER)
    sqs.delete_queue(QueueUrl=queue)
    return {"events": recorded}


def collect(order: dict[str, Any]) -> dict[str, Any]:
    """Return container logs by stream, DescribeTasks of every task, and the executor's queue depths."""
    logs, ecs, sqs = boto3.client("logs"), boto3.client("ecs"), boto3.client("sqs")
    group = order["log_group"]
    streams: dict[str, list[tuple[int, str]]] = {}
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
        for stream in page["logStreams"]:
            name = stream["logStreamName"]
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, logStreamNames=[name]
            )
            streams[name] = [
                (event["timestamp"], event["message"]) for lines in pages for event in lines["events"]
            ]
    arns = order["task_arns"]
    described: list[Any] = []
    for first in range(0, len(arns), 100):
        page = ecs.describe_tasks(cluster=order["cluster"], tasks=arns[first : first + 100], include=["TAGS"])
        described += page["tasks"]
    depths = {}
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for name in ("event_queue_url", "event_dlq_url"):
        found = sqs.get_queue_attributes(QueueUrl=order[name], AttributeNames=wanted)["Attributes"]
        depths[name] = sum(int(value) for value in found.values())
    return {"streams": streams, "described": described, "depths": depths}


def stop(order: dict[str, Any]) -> dict[str, Any]:
    """Stop these tasks."""
    ecs = boto3.client("ecs")
    for task in order["tasks"]:
        ecs.stop_task(cluster=order["cluster"], task=task, reason=order["reason"])
    return {}


def hide(order: dict[str, Any]) -> dict[str, Any]:
    """Store the values in one secret and return a reference for each name."""
    text = json.dumps(order["values"])
    arn = boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=text)["ARN"]
    return {name: f"{arn}:{name}::" for name in order["values"]}


def forget() -> dict[str, Any]:
    """Delete that secret immediately."""
    boto3.client("secretsmanager").delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    return {}


def main(arguments: list[str]) -> None:
    """Run the verb with the order and the result as JSON files."""
    verb, order, result = arguments
    given = json.loads(Path(order).read_text(encoding="utf-8"))
    verbs: dict[str, Callable[[], dict[str, Any]]] = {
        "attach": attach,
        "detach": detach,
        "collect": lambda: collect(given),
        "stop": lambda: stop(given),
        "hide": lambda: hide(given),
        "forget": forget,
    }
    Path(result).write_text(json.dumps(verbs[verb](), default=str), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
