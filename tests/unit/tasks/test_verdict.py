"""What a stopped task means: outcome, whose responsibility, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.exit_codes import ExitCode, meaning_of
from airflow_fargate.tasks import verdict
from airflow_fargate.tasks.verdict import Diagnosis, Outcome, Responsibility, judge
from unit.examples import ARN, an_ecs_task, stopped

if TYPE_CHECKING:
    from airflow_fargate.aws.ecs_task import EcsTask

OOM = "OutOfMemoryError: Container killed due to memory usage"
STARTED = {"startedAt": "2026-01-23T17:57:50Z"}

By = Responsibility


@pytest.mark.parametrize(
    ("ecs_task", "outcome", "responsibility", "words"),
    [
        (stopped(0), Outcome.SUCCESS, By.NONE, "The task succeeded"),
        (stopped(0, stopCode="UserInitiated"), Outcome.SUCCESS, By.NONE, "The task succeeded"),
        (stopped(1), Outcome.FAILED, By.DEPLOYMENT, "The worker itself failed"),
        (stopped(80), Outcome.FAILED, By.TASK, "The task failed"),
        (stopped(81), Outcome.RESUMES_LATER, By.NONE, "resumes later"),
        (stopped(82), Outcome.SUCCESS, By.NONE, "Airflow ended the task"),
        (stopped(82, stopCode="UserInitiated"), Outcome.SUCCESS, By.NONE, "Airflow ended the task"),
        (stopped(137, OOM), Outcome.FAILED, By.TASK, "executor_config={'memory': 1024}"),
        (stopped(137, OOM, memory=None), Outcome.FAILED, By.TASK, "Give the task more memory"),
        (stopped(137, OOM, memory=122880), Outcome.FAILED, By.TASK, "Give the task more memory"),
        (stopped(137), Outcome.FAILED, By.UNKNOWN, "killed with SIGKILL"),
        (stopped(137, stopCode="UserInitiated"), Outcome.FAILED, By.USER, "stopped from outside while"),
        (stopped(143), Outcome.FAILED, By.USER, "stopped with SIGTERM"),
        (stopped(143, stopCode="SpotInterruption"), Outcome.FAILED, By.INFRASTRUCTURE, "['FARGATE']"),
        (stopped(143, stopCode="TerminationNotice"), Outcome.FAILED, By.INFRASTRUCTURE, "retired"),
        (stopped(143, stopCode="InfrastructureHealth"), Outcome.FAILED, By.INFRASTRUCTURE, "retries"),
        (stopped(66), Outcome.FAILED, By.DEPLOYMENT, ExitCode.PAYLOAD_MISSING.meaning),
        (stopped(42), Outcome.FAILED, By.TASK, "exit code 42"),
        (stopped(None, stopCode="UserInitiated"), Outcome.FAILED, By.USER, "before it ran"),
        (stopped(None, "CannotPullContainerError: none"), Outcome.FAILED, By.DEPLOYMENT, "make build-push"),
        (stopped(None, "CannotPullContainerError: i/o timeout"), Outcome.LAUNCH_AGAIN, By.INFRASTRUCTURE,
         "NAT gateway"),
        (stopped(None, "ResourceInitializationError: AccessDenied"), Outcome.FAILED, By.DEPLOYMENT,
         "execution role"),
        (stopped(None, "CannotStartContainerError: exec format"), Outcome.FAILED, By.DEPLOYMENT,
         "entrypoint"),
        (stopped(None, "CannotCreateContainerError: no space"), Outcome.FAILED, By.DEPLOYMENT,
         "entrypoint"),
        (stopped(None, "something new"), Outcome.FAILED, By.DEPLOYMENT, "before its container ran"),
        (stopped(None, stopCode="SpotInterruption"), Outcome.LAUNCH_AGAIN, By.INFRASTRUCTURE, "no capacity"),
        (stopped(None, stopCode="SpotInterruption", **STARTED), Outcome.FAILED, By.INFRASTRUCTURE,
         "reports no exit code"),
        (stopped(None, **STARTED), Outcome.FAILED, By.UNKNOWN, "reports no exit code"),
        (an_ecs_task("STOPPED", containers=[], **STARTED), Outcome.FAILED, By.DEPLOYMENT, "It has none"),
    ],
)  # fmt: skip
def test_every_kind_of_end_has_its_verdict(
    ecs_task: EcsTask, outcome: Outcome, responsibility: Responsibility, words: str
) -> None:
    """Outcome, responsibility and words for the person who reads it."""
    judged = judge(ecs_task, "worker")
    assert (judged.outcome, judged.diagnosis.responsibility) == (outcome, responsibility)
    assert words in str(judged.diagnosis)


def test_a_sidecar_decides_nothing() -> None:
    """Our container's 0 is a success whatever the sidecar left with, and the other way round."""

    def containers(ours: int, theirs: int) -> Any:
        return an_ecs_task("STOPPED", containers=[{"name": "worker", "exitCode": ours},
                                               {"name": "sidecar", "exitCode": theirs}])  # fmt: skip

    assert judge(containers(0, 1), "worker").outcome is Outcome.SUCCESS
    assert judge(containers(1, 0), "worker").outcome is Outcome.FAILED


def test_a_container_that_the_definition_does_not_have_is_named() -> None:
    """A wrong container_name is told with the names that there are."""
    judged = judge(stopped(0), "airflow")
    assert judged.outcome is Outcome.FAILED
    assert "It has worker" in str(judged.diagnosis)
    assert "[fargate] container_name" in str(judged.diagnosis)


def test_a_sidecar_that_cannot_start_says_why_the_task_did_not() -> None:
    """ECS's own sentence and ours are empty of reasons then: the sidecar's image is what is missing."""
    judged = judge(
        an_ecs_task(
            "STOPPED",
            stopCode="TaskFailedToStart",
            stoppedReason="Task failed to start",
            containers=[
                {"name": "worker", "reason": ""},
                {"name": "sidecar", "reason": "CannotPullContainerError: proxy:1: not found"},
            ],
        ),
        "worker",
    )
    assert judged.outcome is Outcome.FAILED
    assert judged.diagnosis.cause == "image_not_found"
    assert "proxy:1" in judged.diagnosis.reason


def test_a_launch_that_was_given_up_says_how_often_it_was_tried() -> None:
    """The last cause, its hint and ECS's words stay, and the outcome is a failure."""
    last = judge(stopped(None, "CannotPullContainerError: i/o timeout"), "worker")
    once, often = (verdict.gave_up(last, containers) for containers in (1, 21))
    assert once.outcome is often.outcome is Outcome.FAILED
    assert "(1 container tried)" in str(once.diagnosis)
    assert "(21 containers tried)" in str(often.diagnosis)
    assert (often.diagnosis.hint, often.diagnosis.reason) == (last.diagnosis.hint, last.diagnosis.reason)


def test_what_may_have_run_is_never_launched_again() -> None:
    """Any exit code or start time: Airflow decides."""
    for ecs_task in (stopped(1, stopCode="SpotInterruption"), stopped(None, "InternalError", **STARTED)):
        assert judge(ecs_task, "worker").outcome is Outcome.FAILED


def test_the_facts_follow_the_sentence() -> None:
    """Exit code, stop code, ECS's words and the ARN, once each, in brackets."""
    told = str(
        judge(stopped(137, OOM, stoppedReason="Essential container in task exited"), "worker").diagnosis
    )
    assert (
        "(exit code 137; stop code EssentialContainerExited; ECS: Essential container in task exited" in told
    )
    assert f"{OOM}; task {ARN})\nSee https://" in told


def test_facts_that_are_not_known_are_left_out() -> None:
    """One fact stands alone in its brackets, none has no brackets, and no size is made up."""
    assert str(Diagnosis("It broke.", Responsibility.TASK, exit_code=3)) == "It broke. (exit code 3)"
    assert str(Diagnosis("It broke.", Responsibility.TASK)) == "It broke."
    known, unknown = judge(stopped(137, OOM), "worker"), judge(stopped(137, OOM, memory=None), "worker")
    assert known.diagnosis.summary == "The container ran out of memory at 512 MiB and was killed."
    assert unknown.diagnosis.summary == "The container ran out of memory and was killed."


def test_a_diagnosis_leads_to_the_console() -> None:
    """The log's page where it is known, the task's otherwise, and nothing where there was no task."""
    diagnosis = Diagnosis(
        "It broke.", Responsibility.TASK, arn="arn:aws:ecs:eu-west-1:123456789012:task/airflow/0a1b"
    )
    task_page = "https://console.aws.amazon.com/ecs/v2/clusters/airflow/tasks/0a1b?region=eu-west-1"
    assert str(diagnosis).endswith(f"\nSee {task_page}")
    assert str(diagnosis.with_log((), "https://log")).endswith("\nSee https://log")
    assert str(diagnosis.with_log(("one",), "https://log")).endswith(
        "\nSee https://log\nLast lines of the container:\none"
    )
    assert "See" not in str(Diagnosis("It broke.", Responsibility.TASK))


def test_log_lines_stand_below_and_are_the_last_twenty() -> None:
    """No more than a screenful reaches the UI."""
    told = str(Diagnosis("It broke.", Responsibility.TASK).with_log(tuple(f"line {n}" for n in range(50))))
    assert told.startswith("It broke.\nLast lines of the container:\nline 30\n")
    assert told.endswith("line 49")


def test_a_long_log_line_is_cut() -> None:
    """A line may be a megabyte of JSON: Airflow's event log and the page get its beginning."""
    told = str(Diagnosis("It broke.", Responsibility.TASK).with_log(("x" * 500, "y" * 1_000_000)))
    assert told.endswith(f"\n{'x' * 500}\n{'y' * 500}...")


def test_a_lost_task_is_told_as_not_known() -> None:
    """Failed, with the reason why nobody can know its exit code."""
    judged = verdict.lost(ARN, 130.0)
    assert judged.outcome is Outcome.FAILED
    assert "for 130 seconds" in str(judged.diagnosis)


def test_every_exit_code_of_the_worker_has_a_sentence() -> None:
    """What the entrypoint leaves with is explained; other codes are not ours."""
    assert all(meaning_of(code) for code in ExitCode)
    assert meaning_of(2) is None


def test_a_refused_launch_fails_with_its_sentence() -> None:
    """No container, no facts: what is told is what AWS said, and the deployment is where to look."""
    judged = verdict.launch_failed("It was refused.")
    assert judged.outcome is Outcome.FAILED
    assert judged.diagnosis == Diagnosis("It was refused.", Responsibility.DEPLOYMENT)
    assert str(judged.diagnosis) == "It was refused."
