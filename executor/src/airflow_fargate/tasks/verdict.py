"""Judges a stopped ECS task: the outcome for its Airflow task, and the diagnosis. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from airflow_fargate import exit_codes
from airflow_fargate.aws import console
from airflow_fargate.aws.failures import LaunchErrorKind, can_pass, cause_of_stop
from airflow_fargate.settings import sizes

if TYPE_CHECKING:
    from airflow_fargate.aws.ecs_task import ContainerState, EcsTask

_KILLED = 137  # 128 + SIGKILL, as container engines report it
_ENDED_BY_SIGTERM = 143
_MAX_LOG_LINES = 20
_MAX_LINE = 500
"""Characters of a log line to keep; a line in CloudWatch can be a megabyte."""


class Outcome(Enum):
    """What the executor does about a stopped task."""

    SUCCESS = "the task ended as Airflow wanted"
    RESUMES_LATER = "the task was deferred or rescheduled: only its slot is freed"
    FAILED = "the task ran, or can never run: Airflow decides about another try"
    LAUNCH_AGAIN = "the task did not run, for a transient cause"


class Responsibility(Enum):
    """Where to look first."""

    NONE = "nothing failed"
    TASK = "the task's code or size"
    USER = "somebody stopped it"
    INFRASTRUCTURE = "AWS"
    DEPLOYMENT = "the deployment: image, roles, network, configuration"
    UNKNOWN = "unknown"


_OUTCOMES_BY_CODE: dict[int, Outcome] = {
    exit_codes.ExitCode.SUCCESS: Outcome.SUCCESS,
    # Airflow 3.1+ clears a running task to RESTARTING and waits for SUCCESS to schedule it again.
    exit_codes.ExitCode.ENDED_BY_AIRFLOW: Outcome.SUCCESS,
    exit_codes.ExitCode.RESUMES_LATER: Outcome.RESUMES_LATER,
}


@dataclass(frozen=True)
class Diagnosis:
    """Why a task ended; ``str()`` of it is what the user reads in Airflow.

    Args:
        summary: what happened, a sentence.
        responsibility: where to look first.
        hint: what to do, a sentence; may be empty.
        cause: for a task that did not start, the id of the cause in aws/failure_causes.py; else empty.
        arn: the ECS task, empty when none was started.
        stop_code: ECS's stop code.
        reason: ECS's reasons for the stop and the container.
        exit_code: of the worker container; None if it has none.
        log_lines: the container's last log lines.
        log_link: the console page of the whole log; empty if unknown.
    """

    summary: str
    responsibility: Responsibility
    hint: str = ""
    cause: str = ""
    arn: str = ""
    stop_code: str = ""
    reason: str = ""
    exit_code: int | None = None
    log_lines: tuple[str, ...] = ()
    log_link: str = ""

    def __str__(self) -> str:
        """Return one line, then a link and the last log lines, if there are any.

        It prefers the link to the log, because the console forgets a task an hour after its end.
        """
        facts = [
            f"exit code {self.exit_code}" if self.exit_code is not None else "",
            f"stop code {self.stop_code}" if self.stop_code else "",
            f"ECS: {self.reason}" if self.reason else "",
            f"task {self.arn}" if self.arn else "",
        ]
        text = f"{self.summary} {self.hint}".strip() + f" ({'; '.join(filter(None, facts))})" * any(facts)
        if link := self.log_link or console.task_link(self.arn):
            text += f"\nSee {link}"
        if self.log_lines:
            text += "\nLast lines of the container:\n" + "\n".join(
                map(_cut, self.log_lines[-_MAX_LOG_LINES:])
            )
        return text

    def with_log(self, lines: tuple[str, ...], link: str = "") -> Diagnosis:
        """Return a copy with the container's last log lines and the link to the log."""
        return replace(self, log_lines=lines, log_link=link)


@dataclass(frozen=True)
class Verdict:
    """The outcome and diagnosis of one stopped task."""

    outcome: Outcome
    diagnosis: Diagnosis

    @property
    def explains_itself(self) -> bool:
        """Whether it is worth reporting for a task that Airflow already ended: it failed, not by our stop."""
        ours = self.diagnosis.responsibility in (Responsibility.USER, Responsibility.NONE)
        return self.outcome is Outcome.FAILED and self.diagnosis.exit_code is not None and not ours


def judge(ecs_task: EcsTask, container_name: str) -> Verdict:
    """Judge a task that has stopped.

    Args:
        ecs_task: the task as ECS describes it.
        container_name: the container whose exit code decides.
    """
    ours = ecs_task.container(container_name)
    if ours is not None and ours.exit_code is not None:
        return _after_running(ecs_task, ours)
    if not ecs_task.ran:
        return _before_running(ecs_task, ours)
    summary = (
        f"The container {container_name!r} started, but ECS reports no exit code."
        if ours is not None
        else f"The task has no container {container_name!r}. It has "
        f"{', '.join(each.name for each in ecs_task.containers) or 'none'}."
    )
    hint = "" if ours is not None else "Correct [fargate] container_name."
    responsibility = _infrastructure(ecs_task) or (
        Responsibility.UNKNOWN if ours is not None else Responsibility.DEPLOYMENT
    )
    return Verdict(Outcome.FAILED, _diagnosis(ecs_task, ours, summary, responsibility, hint))


def lost(arn: str, seconds: float) -> Verdict:
    """Return the verdict on a task that ECS no longer knows, so that its exit code is unknown."""
    return Verdict(
        Outcome.FAILED,
        Diagnosis(
            f"ECS has not found this task for {seconds:.0f} seconds. ECS forgets a stopped task after an "
            "hour, so its exit code is unknown.",
            Responsibility.UNKNOWN,
            "Read the task's log to see how it ended.",
            arn=arn,
        ),
    )


def launch_failed(sentence: str, hint: str = "", cause: str = "") -> Verdict:
    """Return the verdict on a launch that AWS rejected for good, or for longer than ``launch_timeout``.

    Args:
        sentence: AWS's message.
        hint: what to do; see :class:`~airflow_fargate.aws.failures.LaunchError`.
        cause: the id of the cause; see there.
    """
    return Verdict(Outcome.FAILED, Diagnosis(sentence, Responsibility.DEPLOYMENT, hint, cause))


def gave_up(judged: Verdict, containers: int) -> Verdict:
    """Return the verdict on a task that did not run within ``launch_timeout``."""
    last = judged.diagnosis
    tried = "1 container" if containers == 1 else f"{containers} containers"
    summary = (
        f"The task did not start within [fargate] launch_timeout ({tried} tried). Last cause: {last.summary}"
    )
    return Verdict(Outcome.FAILED, replace(last, summary=summary))


def _after_running(ecs_task: EcsTask, ours: ContainerState) -> Verdict:
    code = ours.exit_code or 0
    if code in _OUTCOMES_BY_CODE:
        summary = exit_codes.meaning_of(code) or ""
        return Verdict(_OUTCOMES_BY_CODE[code], _diagnosis(ecs_task, ours, summary, Responsibility.NONE))
    if code == exit_codes.ExitCode.NOT_USED:
        summary = exit_codes.meaning_of(code) or ""
        judged = _diagnosis(ecs_task, ours, summary, Responsibility.INFRASTRUCTURE)
        return Verdict(Outcome.LAUNCH_AGAIN, judged)
    if "outofmemory" in ours.reason.lower():
        summary, responsibility, hint = _out_of_memory(ecs_task)
    elif ecs_task.stop_code == "UserInitiated":
        summary, responsibility, hint = (
            "The task was stopped from outside while it ran.",
            Responsibility.USER,
            "",
        )
    elif _infrastructure(ecs_task):
        summary = {
            "SpotInterruption": "AWS reclaimed the Spot capacity while the task ran.",
            "TerminationNotice": "AWS retired the host while the task ran.",
        }.get(ecs_task.stop_code, "The host failed while the task ran.")
        responsibility = Responsibility.INFRASTRUCTURE
        hint = (
            "If the task cannot be interrupted, set executor_config={'capacity': ['FARGATE']}."
            if ecs_task.stop_code == "SpotInterruption"
            else "Give the task retries."
        )
    elif code == _KILLED:
        summary = (
            "The container was killed with SIGKILL: by a user, because it ignored SIGTERM, or because it "
            "ran out of memory and ECS did not notice."
        )
        responsibility = Responsibility.UNKNOWN
        hint = f"If it ran out of memory: {_out_of_memory(ecs_task)[2]}"
    elif code == _ENDED_BY_SIGTERM:
        summary, responsibility, hint = "The container was stopped with SIGTERM.", Responsibility.USER, ""
    elif (known := exit_codes.meaning_of(code)) is not None:
        summary = known
        responsibility = (
            Responsibility.TASK if code == exit_codes.ExitCode.TASK_FAILED else Responsibility.DEPLOYMENT
        )
        hint = ""
    else:
        summary, responsibility, hint = f"The container exited with code {code}.", Responsibility.TASK, ""
    return Verdict(Outcome.FAILED, _diagnosis(ecs_task, ours, summary, responsibility, hint))


def _before_running(ecs_task: EcsTask, ours: ContainerState | None) -> Verdict:
    if ecs_task.stop_code == "UserInitiated":
        summary = "The task was stopped from outside before it ran."
        return Verdict(Outcome.FAILED, _diagnosis(ecs_task, ours, summary, Responsibility.USER))
    # If a sidecar's image is missing, the worker does not start, and only the sidecar has the reason.
    reason = _reason(ecs_task, ours, *ecs_task.containers)
    cause = cause_of_stop(ecs_task.stop_code, reason)
    if cause is None:
        summary = "The task stopped before its container ran."
        return Verdict(Outcome.FAILED, _diagnosis(ecs_task, ours, summary, Responsibility.DEPLOYMENT))
    again = can_pass(cause)
    responsibility = {
        LaunchErrorKind.PERMANENT: Responsibility.DEPLOYMENT,
        LaunchErrorKind.UNKNOWN: Responsibility.UNKNOWN,
    }.get(cause.kind, Responsibility.INFRASTRUCTURE)
    summary = f"The task did not start. {cause.summary}"
    diagnosis = _diagnosis(ecs_task, ours, summary, responsibility, cause.hint)
    return Verdict(
        Outcome.LAUNCH_AGAIN if again else Outcome.FAILED, replace(diagnosis, cause=cause.id, reason=reason)
    )


def _out_of_memory(ecs_task: EcsTask) -> tuple[str, Responsibility, str]:
    had = f" at {ecs_task.memory} MiB" if ecs_task.memory else ""
    more = sizes.next_memory(ecs_task.memory) if ecs_task.memory else None
    hint = f"Set executor_config={{'memory': {more}}}." if more else "Give the task more memory."
    return f"The container ran out of memory{had} and was killed.", Responsibility.TASK, hint


def _infrastructure(ecs_task: EcsTask) -> Responsibility | None:
    taken = ecs_task.stop_code in ("SpotInterruption", "TerminationNotice", "InfrastructureHealth")
    return Responsibility.INFRASTRUCTURE if taken else None


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}..."


def _reason(ecs_task: EcsTask, *containers: ContainerState | None) -> str:
    parts = [ecs_task.stopped_reason, *(each.reason for each in containers if each is not None)]
    return " ".join(dict.fromkeys(filter(None, parts)))


def _diagnosis(
    ecs_task: EcsTask,
    ours: ContainerState | None,
    summary: str,
    responsibility: Responsibility,
    hint: str = "",
) -> Diagnosis:
    return Diagnosis(
        summary=summary,
        responsibility=responsibility,
        hint=hint,
        arn=ecs_task.arn,
        stop_code=ecs_task.stop_code,
        reason=_reason(ecs_task, ours),
        exit_code=ours.exit_code if ours is not None else None,
    )
