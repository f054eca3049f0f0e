"""Event patterns match as EventBridge documents them, inside arrays, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from contract.local_cloud.worlds import NUMBERS, client
from local_cloud import Behaviour
from local_cloud.events.patterns import matches

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

EVENT = {
    "source": "aws.ecs",
    "detail": {
        "stopCode": "EssentialContainerExited",
        "startedBy": "",
        "cpu": 256,
        "spot": True,
        "nothing": None,
        "address": "10.0.1.7",
        "containers": [
            {"name": "init", "exitCode": 0},
            {"name": "worker", "exitCode": 137, "networkInterfaces": [{"id": "a"}, {"id": "b"}]},
        ],
        "groups": [["a"], ["b", "c"]],
        "empty": [],
    },
}


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"stopCode": ["TaskFailedToStart", "EssentialContainerExited"]}, True),
        ({"stopCode": ["TaskFailedToStart"]}, False),
        ({"missing": ["x"]}, False),
        ({"nothing": [None]}, True),
        ({"startedBy": [""]}, True),
        ({"cpu": [256]}, True),
        ({"cpu": [True]}, False),
        ({"spot": [1]}, False),
        ({"cpu": [{"numeric": [">", 200, "<=", 256]}]}, True),
        ({"cpu": [{"numeric": [">", 256]}]}, False),
        ({"stopCode": [{"prefix": "Essential"}]}, True),
        ({"stopCode": [{"prefix": {"equals-ignore-case": "essential"}}]}, True),
        ({"stopCode": [{"suffix": ["Started", "Exited"]}]}, True),
        ({"stopCode": [{"equals-ignore-case": "essentialcontainerexited"}]}, True),
        ({"stopCode": [{"wildcard": "Ess*Container*"}]}, True),
        ({"stopCode": [{"wildcard": r"Ess\*Container*"}]}, False),
        ({"address": [{"cidr": "10.0.0.0/16"}]}, True),
        ({"address": [{"cidr": "10.1.0.0/16"}]}, False),
        ({"missing": [{"exists": False}]}, True),
        ({"stopCode": [{"exists": True}]}, True),
        ({"empty": [{"exists": False}]}, True),
        ({"stopCode": [{"anything-but": "TaskFailedToStart"}]}, True),
        ({"stopCode": [{"anything-but": ["EssentialContainerExited", "x"]}]}, False),
        ({"stopCode": [{"anything-but": {"prefix": "Essential"}}]}, False),
        ({"stopCode": [{"anything-but": {"wildcard": ["Task*", "Spot*"]}}]}, True),
        ({"missing": [{"anything-but": "x"}]}, False),
        ({"containers": {"exitCode": [{"anything-but": 0}]}}, True),
        ({"containers": {"exitCode": [{"anything-but": [0, 137]}]}}, False),
        ({"containers": {"name": ["worker"], "exitCode": [137]}}, True),
        ({"containers": {"name": ["init"], "exitCode": [137]}}, False),
        ({"containers": {"networkInterfaces": {"id": ["b"]}}}, True),
        ({"containers": {"networkInterfaces": {"id": [{"anything-but": ["a", "b"]}]}}}, False),
        ({"groups": ["c"]}, True),
        ({"groups": [{"anything-but": ["a", "b", "c"]}]}, False),
        ({"$or": [{"cpu": [1]}, {"stopCode": [{"prefix": "E"}]}]}, True),
        ({"$or": [{"cpu": [1]}, {"cpu": [2]}]}, False),
    ],
)
def test_a_pattern_matches_as_eventbridge_documents_it(detail: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """Every kind of filter, in plain members, in arrays and in objects in arrays."""
    assert matches({"detail": detail}, EVENT) is expected


def test_put_events_looks_into_arrays(cloud: LocalCloud) -> None:
    """A rule about a container's exit code takes the event that has one, from anybody who puts it."""
    events, sqs = client(cloud.endpoint, "events"), client(cloud.endpoint, "sqs")
    name = f"p{next(NUMBERS)}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": [name], "detail": {"containers": {"exitCode": [{"anything-but": [0]}]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    for codes in ([0, 0], [0, 1]):
        detail = {"containers": [{"exitCode": code} for code in codes]}
        entry = {"Source": name, "DetailType": "test", "Detail": json.dumps(detail)}
        events.put_events(Entries=[entry])
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    assert [json.loads(item["Body"])["detail"]["containers"][1]["exitCode"] for item in received] == [1]


def test_a_rule_about_exit_codes_takes_the_tasks_events(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """The same for the events that ECS sends: only the task that failed."""
    ecs, events = client(cloud.endpoint, "ecs"), client(cloud.endpoint, "events")
    sqs, name = client(cloud.endpoint, "sqs"), f"p{next(NUMBERS)}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    detail = {"lastStatus": ["STOPPED"], "containers": {"exitCode": [{"anything-but": [0]}]}}
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.ecs"], "detail": detail}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    started = {}
    for code in (0, 3):
        cloud.engine.default = Behaviour(  # type: ignore[attr-defined]
            provisioning=0, pending=0, run=0, stopping=0, deprovisioning=0, exit_code=code
        )
        started[code] = ecs.run_task(**request_for)["tasks"][0]["taskArn"]
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert [json.loads(item["Body"])["detail"]["taskArn"] for item in received] == [started[3]]
