"""What every task goes through, whatever runs it."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any

import botocore.validate
import pytest
from botocore.exceptions import ClientError

from local_cloud import Behaviour, fails_to_start, out_of_memory
from local_cloud.ecs.client import service_model
from local_cloud.ecs.lifecycle import NEXT
from local_cloud.simulated.behaviour import PULL_TIMEOUT

if TYPE_CHECKING:
    from contract.local_cloud.worlds import World

FOREVER = "trap 'exit 143' TERM; while :; do sleep 0.05; done"
DEAF = "trap '' TERM; echo up; while :; do sleep 0.05; done"
TIMELINE = (
    "createdAt",
    "connectivityAt",
    "pullStartedAt",
    "pullStoppedAt",
    "startedAt",
    "stoppingAt",
    "executionStoppedAt",
    "stoppedAt",
)


def conforms(operation: str, answer: dict[str, Any]) -> None:
    """Check an answer against botocore's model: no unknown member, no wrong type."""
    shape = service_model("ecs").operation_model(operation).output_shape
    body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    report = botocore.validate.ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()


def test_a_task_passes_every_state_and_each_is_an_event_with_a_higher_version(world: World) -> None:
    """PROVISIONING to STOPPED, nothing left out, versions rising by one from 1."""
    arn = world.start("exit 0")
    world.ended(arn)
    details = [event["detail"] for event in world.events(arn)]
    assert [status for status, _ in itertools.groupby(details, lambda detail: detail["lastStatus"])] == list(
        NEXT
    )
    assert [detail["version"] for detail in details] == list(range(1, len(details) + 1))
    assert all(detail["taskArn"] == arn for detail in details)


def test_the_timeline_is_complete_and_in_order(world: World) -> None:
    """A task that ran has all eight timestamps, none before the one it follows."""
    task = world.ended(world.start("exit 0"))
    stamps = [task[name] for name in TIMELINE]
    assert stamps == sorted(stamps)
    assert all(isinstance(stamp, datetime) for stamp in stamps)


def test_an_exit_is_told_with_its_code(world: World) -> None:
    """EssentialContainerExited, and the container's own exit code."""
    task = world.ended(world.start("exit 3", Behaviour(exit_code=3)))
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert [container["exitCode"] for container in task["containers"]] == [3]
    assert task["desiredStatus"] == "STOPPED"


def test_the_exit_code_is_in_an_event_before_the_task_is_stopped(world: World) -> None:
    """Whoever listens learns the end while the network interface is still being removed."""
    arn = world.start("exit 3", Behaviour(exit_code=3))
    world.ended(arn)
    first = next(e["detail"] for e in world.events(arn) if "exitCode" in e["detail"]["containers"][0])
    assert first["lastStatus"] != "STOPPED"
    assert first["containers"][0]["exitCode"] == 3


def test_stopping_ends_the_container_by_sigterm(world: World) -> None:
    """StopTask: UserInitiated, the caller's reason, the code the container chose."""
    arn = world.start(FOREVER, Behaviour(run=None))
    world.until(arn, "RUNNING")
    answer = world.ecs.stop_task(cluster=world.cluster, task=arn, reason="enough")
    conforms("StopTask", answer)
    assert answer["task"]["desiredStatus"] == "STOPPED"
    task = world.ended(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 143


def test_who_ignores_sigterm_is_killed_after_the_stop_timeout(world: World) -> None:
    """SIGKILL after stopTimeout seconds: exit code 137."""
    arn = world.start(DEAF, Behaviour(run=None, stopping=99), container={"stopTimeout": 2})
    world.until(arn, "RUNNING")
    world.ecs.stop_task(cluster=world.cluster, task=arn)
    task = world.ended(arn)
    assert task["containers"][0]["exitCode"] == 137
    assert 1.5 < (task["executionStoppedAt"] - task["stoppingAt"]).total_seconds() < 10


def test_stopping_a_stopped_task_changes_nothing(world: World) -> None:
    """StopTask twice: the first reason and the exit code stay."""
    arn = world.start("exit 3", Behaviour(exit_code=3))
    before = world.ended(arn)
    world.ecs.stop_task(cluster=world.cluster, task=arn, reason="too late")
    assert world.describe(arn) == before


def test_spot_capacity_is_taken_back_by_sigterm(world: World) -> None:
    """SpotInterruption: the containers are asked to end, and their code is told."""
    arn = world.start(FOREVER, Behaviour(run=None))
    world.until(arn, "RUNNING")
    world.interrupt(arn)
    task = world.ended(arn)
    assert task["stopCode"] == "SpotInterruption"
    assert task["containers"][0]["exitCode"] == 143


def test_an_image_that_cannot_be_had_fails_the_start(world: World) -> None:
    """TaskFailedToStart with CannotPullContainerError; never started, no exit code."""
    behaviour = fails_to_start(PULL_TIMEOUT, fails_in="PENDING")
    task = world.ended(world.start("true", behaviour, container={"image": "127.0.0.1:1/none:1"}))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert "startedAt" not in task
    assert "exitCode" not in task["containers"][0]


def test_outgrowing_the_memory_is_told(world: World) -> None:
    """Exit 137, and OutOfMemoryError as the container's reason."""
    script = 'x=1234567890; while :; do x="$x$x"; done'
    container = {"memory": 64, "linuxParameters": {"initProcessEnabled": False}}
    task = world.ended(world.start(script, out_of_memory(), container=container))
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert task["stopCode"] == "EssentialContainerExited"


def test_the_same_token_with_the_same_parameters_is_the_same_task(world: World) -> None:
    """A repeated RunTask starts nothing new."""
    request = world.request(world.define(world.scripted("exit 0")), clientToken="token", startedBy="me")
    first = world.ecs.run_task(**request)["tasks"][0]["taskArn"]
    second = world.ecs.run_task(**request)["tasks"][0]["taskArn"]
    world.ended(first)
    assert second == first
    listed = [
        world.ecs.list_tasks(cluster=world.cluster, startedBy="me", desiredStatus=status)["taskArns"]
        for status in ("RUNNING", "STOPPED")
    ]
    assert sorted(listed) == [[], [first]]


def test_the_same_token_for_a_stopped_task_answers_arn_and_status_only(world: World) -> None:
    """Within the hour after its end a token still stands for the task it launched."""
    request = world.request(world.define(world.scripted("exit 0")), clientToken="ended")
    arn = world.ecs.run_task(**request)["tasks"][0]["taskArn"]
    world.ended(arn)
    assert world.ecs.run_task(**request)["tasks"] == [{"taskArn": arn, "lastStatus": "STOPPED"}]


def test_the_same_token_with_other_parameters_is_a_conflict(world: World) -> None:
    """ConflictException, with the existing task in resourceIds."""
    family = world.define(world.scripted("exit 0"))
    arn = world.ecs.run_task(**world.request(family, clientToken="token"))["tasks"][0]["taskArn"]
    with pytest.raises(ClientError) as raised:
        world.ecs.run_task(**world.request(family, clientToken="token", startedBy="another"))
    assert raised.value.response["Error"]["Code"] == "ConflictException"
    assert raised.value.response["resourceIds"] == [arn]
    world.ended(arn)


def test_one_call_can_start_several_tasks(world: World) -> None:
    """A count of 3: three tasks, each ends by itself."""
    family = world.define(world.scripted("exit 0"))
    tasks = world.ecs.run_task(**world.request(family, count=3))["tasks"]
    assert {world.ended(task["taskArn"])["lastStatus"] for task in tasks} == {"STOPPED"}
    assert len({task["taskArn"] for task in tasks}) == 3


def test_tags_are_shown_when_asked_for(world: World) -> None:
    """Own tags and, when told to, the definition's; own ones win."""
    family = world.define(
        world.scripted("exit 0"), tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "1"}]
    )
    request = world.request(family, propagateTags="TASK_DEFINITION", tags=[{"key": "b", "value": "2"}])
    arn = world.ecs.run_task(**request)["tasks"][0]["taskArn"]
    shown = world.describe(arn, include=["TAGS"])["tags"]
    assert {tag["key"]: tag["value"] for tag in shown} == {"a": "1", "b": "2"}
    assert world.describe(arn)["tags"] == []
    world.ended(arn)


def test_the_tags_of_a_task_can_be_changed(world: World) -> None:
    """TagResource adds and replaces, UntagResource removes; no event tells of it."""
    arn = world.start(FOREVER, Behaviour(run=None), tags=[{"key": "a", "value": "1"}])
    version = world.until(arn, "RUNNING")["version"]
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "2"}, {"key": "b", "value": "3"}])
    world.ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    task = world.describe(arn, include=["TAGS"])
    assert (task["tags"], task["version"]) == ([{"key": "b", "value": "3"}], version)
    assert world.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == task["tags"]
    world.ecs.stop_task(cluster=world.cluster, task=arn)
    world.ended(arn)


def test_every_answer_conforms_to_botocores_model(world: World) -> None:
    """RunTask, DescribeTasks and ListTasks say nothing that ECS's own model does not have."""
    request = world.request(world.define(world.scripted("exit 0")), tags=[{"key": "a", "value": "1"}])
    launched = world.ecs.run_task(**request)
    conforms("RunTask", launched)
    arn = launched["tasks"][0]["taskArn"]
    world.ended(arn)
    missing = arn[:-4] + "0000"
    described = world.ecs.describe_tasks(cluster=world.cluster, tasks=[arn, missing], include=["TAGS"])
    conforms("DescribeTasks", described)
    assert described["failures"] == [{"arn": missing, "reason": "MISSING"}]
    conforms("ListTasks", world.ecs.list_tasks(cluster=world.cluster, desiredStatus="STOPPED"))


def test_an_event_is_what_eventbridge_sends(world: World) -> None:
    """Envelope and detail as AWS documents them: ECS's own members, times as ISO text, no tags."""
    arn = world.start("exit 0", startedBy="me", tags=[{"key": "a", "value": "1"}])
    world.ended(arn)
    event = world.events(arn)[-1]
    assert (event["source"], event["detail-type"]) == ("aws.ecs", "ECS Task State Change")
    assert event["account"] == "123456789012"
    assert event["region"] == "us-east-1"
    detail = event["detail"]
    assert set(detail) - set(service_model("ecs").shape_for("Task").members) == {"updatedAt"}
    assert "tags" not in detail
    assert detail["startedBy"] == "me"
    assert all(detail[name].endswith("Z") for name in (*TIMELINE, "updatedAt"))
