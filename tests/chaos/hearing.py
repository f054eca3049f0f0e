"""The catalogue, third part: how news of tasks arrive, and how they do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chaos import acts
from chaos.acts import NO_QUEUE
from chaos.scenario import Scenario
from local_cloud import Behaviour, EventFaults, Fault
from scenarios.outages import Outage, answered, changed, done_and_raised, refused

if TYPE_CHECKING:
    from chaos.scenario import Act
    from chaos.stage import Stage

LONG = Behaviour(run=(60.0, 120.0))
LOST = EventFaults(lost=1.0)
POISON = (
    "",
    "{",
    "[]",
    "null",
    '{"detail-type": "ECS Task State Change", "source": "aws.ecs"}',
    '{"detail-type": "ECS Task State Change", "source": "aws.ecs", "detail": {"taskArn": 1}}',
    "[" * 50_000,
    json.dumps({"detail-type": "EC2", "source": "aws.ec2", "detail": {}}),
)
BAD_VERSION = json.dumps(
    {
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "detail": {
            "taskArn": "x",
            "lastStatus": "STOPPED",
            "version": {},
            "containers": "?",
            "startedAt": [],
        },
    }
)


def _fail_half(answer: dict[str, Any]) -> dict[str, Any]:
    """Half of a batch is said to have failed."""
    done = answer.get("Successful") or []
    half = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in done[::2]]
    return {**answer, "Successful": done[1::2], "Failed": half}


def _hide_half(answer: dict[str, Any]) -> dict[str, Any]:
    """DescribeTasks tells of half of the tasks, and an error of the others."""
    tasks = answer.get("tasks") or []
    failures = [{"arn": each["taskArn"], "reason": "ACCESS_DENIED"} for each in tasks[::2]]
    return {**answer, "tasks": tasks[1::2], "failures": [*(answer.get("failures") or ()), *failures]}


def _strange_arn(stage: Stage) -> None:
    """One of the adopted tasks is of another cluster: a database restored from elsewhere."""
    scheduler = stage.schedulers[0]
    scheduler.arns["task-1"] = "arn:aws:ecs:us-east-1:123456789012:task/elsewhere/0123456789abcdef"
    scheduler.restart()


def _strangers(count: int) -> Act:
    """A service's tasks, and another Airflow's, run in the same cluster; their events are in our queue."""

    def act(stage: Stage) -> None:
        ecs = stage.world.plane.client("ecs")
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
        for number in range(count):
            other = f"other-airflow/{stage.world.a_launch('task-1').launch_id}"
            ecs.run_task(
                cluster="airflow",
                taskDefinition="worker",
                launchType="FARGATE",
                networkConfiguration=network,
                startedBy=f"ecs-svc/stranger-{number + 9000}" if number % 2 else other,
            )
            stage.acts += 1

    return act


def _left_alone(stage: Stage) -> str:
    """Nobody stopped a stranger, and none of their events waits."""
    stopped = [task for task in stage.world.plane.tasks() if task.stop_code == "UserInitiated"]
    waiting = len(stage.world.sqs)
    return f"{len(stopped)} were stopped, {waiting} messages stay" if stopped or waiting else ""


HEARING = (
    Scenario(
        "events lost", "no event arrives", "EventBridge: 24 h, then dropped; prefect #20466", events=LOST
    ),
    Scenario(
        "half of the events lost", "every second event is lost", "EventBridge", events=EventFaults(lost=0.5)
    ),
    Scenario(
        "events doubled", "every event comes twice", "at least once", events=EventFaults(duplicated=1.0)
    ),
    Scenario(
        "events overtake",
        "half of the events are up to a minute late",
        "order not guaranteed",
        events=EventFaults(delayed=0.5, delay=(1.0, 60.0)),
    ),
    Scenario(
        "redelivery",
        "DeleteMessageBatch fails: every message comes again",
        "SQS visibility",
        outages=(Outage(refused("InternalError", status=500), "sqs", ("delete_message_batch",), until=200),),
    ),
    Scenario(
        "deleted in part",
        "DeleteMessageBatch deletes half of a batch",
        "SQS batches",
        outages=(Outage(changed(_fail_half), "sqs", ("delete_message_batch",)),),
    ),
    Scenario(
        "received and dropped",
        "ReceiveMessage's answer is lost: visible again in 30 s",
        "SQS visibility",
        outages=(
            Outage(
                done_and_raised(lambda: TimeoutError("read")), "sqs", ("receive_message",), probability=0.5
            ),
        ),
    ),
    Scenario(
        "queue unavailable",
        "SQS answers 503 for two minutes",
        "#20466",
        outages=(Outage(refused("ServiceUnavailable", status=503), "sqs", until=120),),
    ),
    Scenario(
        "queue deleted",
        "deleted with its events at 20 s, made again at 140 s",
        "#22410",
        acts=((20.0, acts.without_queue(120.0)), (60.0, acts.launch(5))),
    ),
    Scenario(
        "queue never there",
        "event_queue_url names a queue that does not exist",
        "#22410",
        "all succeed by reconciling",
        events=LOST,
        outages=(Outage(NO_QUEUE, "sqs"),),
    ),
    Scenario("dead-letter replay", "every event of the run comes again", "DLQ", acts=((200.0, acts.replay),)),
    Scenario(
        "replay in the middle",
        "old events come again while tasks run",
        "DLQ",
        behaviour=LONG,
        acts=((40.0, acts.replay), (80.0, acts.replay), (110.0, acts.replay)),
    ),
    Scenario(
        "strangers in the cluster",
        "a service and another Airflow run tasks there, one with a launch id of ours",
        "#50421; ADR 4",
        "all succeed; theirs are left alone, and their events deleted",
        containers=20,
        acts=((5.0, _strangers(5)), (30.0, _strangers(5)), (40.0, acts.kill)),
        check=_left_alone,
    ),
    Scenario(
        "too many in flight",
        "SQS answers OverLimit for two minutes",
        "SQS: 120,000 in flight",
        outages=(Outage(refused("OverLimit", status=403), "sqs", ("receive_message",), until=120),),
    ),
    Scenario(
        "queue's key disabled",
        "SQS answers KmsDisabled for two minutes",
        "SQS",
        outages=(Outage(refused("KmsDisabled"), "sqs", until=120),),
    ),
    Scenario(
        "malformed events",
        "eight kinds of messages that are no task events",
        "#71380",
        acts=((10.0, acts.poison(*POISON, BAD_VERSION)),),
    ),
    Scenario(
        "DescribeTasks refused",
        "throttled for four minutes, and no events",
        "#36403; provider: swallowed",
        events=LOST,
        faults=(Fault("throttle", ("DescribeTasks", "ListTasks"), until=240),),
        seconds=600,
    ),
    Scenario(
        "DescribeTasks in part",
        "half of the ARNs are answered with a failure, and no events",
        "#20466",
        events=LOST,
        seconds=700,
        outages=(Outage(changed(_hide_half), "ecs", ("describe_tasks",), until=300),),
    ),
    Scenario(
        "DescribeTasks empty",
        "DescribeTasks answers nothing, and no events",
        "#20466",
        events=LOST,
        seconds=700,
        outages=(Outage(answered({}), "ecs", ("describe_tasks",), until=300),),
    ),
    Scenario(
        "a young task is not seen",
        "DescribeTasks and ListTasks lag by a minute, and no events",
        "eventually consistent",
        events=LOST,
        lag=60.0,
        seconds=600,
    ),
    Scenario(
        "MISSING for a while",
        "DescribeTasks calls everything MISSING for 100 s, and no events",
        "MISSING",
        events=LOST,
        seconds=600,
        outages=(
            Outage(
                changed(
                    lambda answer: {
                        "tasks": [],
                        "failures": [
                            {"arn": each["taskArn"], "reason": "MISSING"} for each in answer["tasks"]
                        ],
                    }
                ),
                "ecs",
                ("describe_tasks",),
                until=100,
            ),
        ),
    ),
    Scenario(
        "one ARN is no task's",
        "a task instance names a task of another cluster",
        "provider: aborts every sync",
        "told as failed, since that cluster is gone; the others succeed",
        fail=1,
        unknown=1,
        says="exit code is unknown",
        behaviour=LONG,
        acts=((30.0, _strange_arn),),
        seconds=600,
    ),
)
