"""One shape for what events, DescribeTasks and RunTask say of a task."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_fargate.aws.ecs_task import ContainerState, parse_task
from airflow_fargate.tracking.listener import parse_event
from unit.examples import ARN, a_task, an_ecs_task, stopped

# Shape and words of the example in the ECS developer guide, "Amazon ECS task state change events".
EVENT = {
    "version": "0",
    "id": "3317b2af-7005-947d-b652-f55e762e571a",
    "detail-type": "ECS Task State Change",
    "source": "aws.ecs",
    "account": "123456789012",
    "time": "2026-01-23T17:57:58Z",
    "region": "us-east-1",
    "resources": [ARN],
    "detail": {
        "attachments": [{"id": "1789bcae", "type": "eni", "status": "DELETED", "details": []}],
        "availabilityZone": "us-east-1b",
        "capacityProviderName": "FARGATE_SPOT",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/airflow",
        "containers": [
            {
                "containerArn": "arn:aws:ecs:us-east-1:123456789012:container/cf159fd6",
                "exitCode": 137,
                "lastStatus": "STOPPED",
                "name": "worker",
                "reason": "OutOfMemoryError: Container killed due to memory usage",
                "runtimeId": "0123",
                "taskArn": ARN,
                "networkInterfaces": [{"attachmentId": "1789bcae", "privateIpv4Address": "10.0.0.139"}],
                "cpu": "0",
            },
            {"name": "sidecar", "lastStatus": "STOPPED"},
        ],
        "cpu": "256",
        "createdAt": "2026-01-23T17:57:34.402Z",
        "startedAt": "2026-01-23T17:57:50Z",
        "stoppedAt": "2026-01-23T17:57:58.103Z",
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPED",
        "launchType": "FARGATE",
        "memory": "512",
        "startedBy": "airflow/00000000-0000-4000-8000-000000000001",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "taskArn": ARN,
        "version": 7,
    },
}


def as_boto3_has_it(detail: dict[str, Any]) -> dict[str, Any]:
    """Return an event's detail as DescribeTasks gives it: times are datetimes."""
    return {
        key: datetime.fromisoformat(value.replace("Z", "+00:00")) if key.endswith("At") else value
        for key, value in detail.items()
    }


def test_an_event_is_read_whole() -> None:
    """Every field that a decision rests on, from an event as AWS documents it."""
    ecs_task = parse_event(json.dumps(EVENT))
    assert (ecs_task.arn, ecs_task.last_status, ecs_task.version) == (ARN, "STOPPED", 7)
    assert ecs_task.started_by.endswith("000000000001")
    assert ecs_task.stop_code == "EssentialContainerExited"
    assert ecs_task.capacity_provider == "FARGATE_SPOT"
    assert ecs_task.memory == 512
    assert ecs_task.container("worker") == ContainerState(
        "worker", "STOPPED", 137, "OutOfMemoryError: Container killed due to memory usage"
    )
    assert ecs_task.container("sidecar") == ContainerState("sidecar", "STOPPED", None, "")
    assert ecs_task.container("nobody") is None
    assert ecs_task.stopped
    assert ecs_task.ran
    assert ecs_task.at("stoppingAt") is None
    created = datetime(2026, 1, 23, 17, 57, 34, 402000, tzinfo=timezone.utc)
    assert ecs_task.at("createdAt") == pytest.approx(created.timestamp())


def test_event_and_describe_tasks_say_the_same() -> None:
    """The two sources, of the same version, give equal values."""
    detail: dict[str, Any] = EVENT["detail"]  # type: ignore[assignment]
    assert parse_task(as_boto3_has_it(detail)) == parse_event(json.dumps(EVENT))


@pytest.mark.parametrize(
    "task",
    [{}, {"taskArn": ARN}, {"lastStatus": "RUNNING"}, {"taskArn": 7, "lastStatus": "RUNNING"},
     {"taskArn": "", "lastStatus": ""}],
)  # fmt: skip
def test_a_task_without_arn_or_status_is_rejected(task: dict[str, Any]) -> None:
    """Without an ARN or a status there is nothing to track."""
    with pytest.raises(ValueError, match="no taskArn or no lastStatus"):
        parse_task(task)


@pytest.mark.parametrize(
    "odd",
    [
        {"containers": 5},
        {"containers": {"name": "worker"}},
        {"containers": ["worker", None]},
        {"containers": None},
        {"version": "seven"},
        {"version": True},
        {"memory": float("inf")},
        {"createdAt": "yesterday"},
        {"createdAt": "0001-01-01T00:00:00+23:59"},
        {"createdAt": 12},
        {"startedBy": None, "stopCode": None},
    ],
)
def test_an_odd_member_costs_only_itself(odd: dict[str, Any]) -> None:
    """A member of another kind than documented counts as not said."""
    ecs_task = parse_task(a_task(**odd))
    assert (ecs_task.arn, ecs_task.last_status) == (ARN, "RUNNING")


@pytest.mark.parametrize(
    ("ecs_task", "ran"),
    [
        (an_ecs_task("PENDING"), False),
        (an_ecs_task("RUNNING"), True),
        (an_ecs_task("STOPPED"), False),
        (an_ecs_task("STOPPED", startedAt="2026-01-23T17:57:50Z"), True),
        (stopped(exit_code=0), True),
        (stopped(exit_code=None), False),
    ],
)
def test_ran_means_that_its_code_may_have_done_something(ecs_task: Any, ran: bool) -> None:  # noqa: FBT001
    """RUNNING, a start time or an exit code; nothing else."""
    assert ecs_task.ran is ran


@pytest.mark.parametrize(
    ("code", "decided"), [(0, True), (80, True), (81, True), (82, True), (1, False), (143, False)]
)
def test_the_outcome_is_final_before_stopped_when_the_exit_code_alone_gives_it(
    code: int, *, decided: bool
) -> None:
    """The worker's own four; every other code waits for STOPPED and its stop code."""
    ecs_task = an_ecs_task("DEPROVISIONING", containers=[{"name": "worker", "exitCode": code}])
    assert ecs_task.decided("worker") is decided
    assert stopped(code).decided("worker")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "7",
        "null",
        "[]",
        "{}",
        json.dumps(EVENT | {"source": "aws.ec2"}),
        json.dumps(EVENT | {"detail-type": "ECS Container Instance State Change"}),
        json.dumps(EVENT | {"detail": []}),
        json.dumps(EVENT | {"detail": {}}),
    ],
)
def test_other_messages_are_rejected(body: str) -> None:
    """Other JSON, other sources, other kinds: ValueError, and no other error."""
    with pytest.raises(ValueError, match=r".+"):
        parse_event(body)
