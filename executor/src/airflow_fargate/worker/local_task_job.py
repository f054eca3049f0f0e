"""Run Airflow 2.11's `airflow tasks run --local` in this process, with the task's outcome as exit code.

Airflow 2's CLI drops the result of its LocalTaskJob and always exits with 0. The job itself works as needed:
on SIGTERM it ends the task, which calls `on_kill` and records the retry or the failure. Importing this module
imports nothing of Airflow.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.supervise import CONTINUES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFERRED = 100
"""`TaskReturnCode.DEFERRED` of Airflow 2: the task's process ended, and the triggerer continues its work."""
SIGTERM_CODE = 128 + signal.SIGTERM
CLEANUP_VARIABLE = "AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME"
STDOUT_VARIABLE = "AIRFLOW_IS_EXECUTOR_CONTAINER"
"""If this is set when Airflow 2 is imported, it also writes a task's log to standard output."""


@dataclass
class JobEnd:
    """How a LocalTaskJob ended.

    `code` is the first exit code that the job handled: the task's own (negative for a signal), or 143 if a
    SIGTERM to the job came first. It is None if the task ended without one. `began` says whether the task's
    process was started. `state` is the task's state in the database after code 0.
    """

    code: int | None = None
    began: bool = False
    state: str | None = None


def run_local(argv: Sequence[str], stop_limit: float) -> ExitCode | None:
    """Run the command until it ends.

    Args:
        argv: The command, without the word `airflow`.
        stop_limit: Seconds that a task has to end after SIGTERM.

    Returns:
        The outcome, or None if this Airflow has no such command.

    Raises:
        WorkerError: API_UNREACHABLE if the metadata database did not answer.
    """
    # Airflow kills a task this long after SIGTERM; the default is 60 s.
    os.environ.setdefault(CLEANUP_VARIABLE, str(max(1, int(stop_limit))))
    os.environ.setdefault(STDOUT_VARIABLE, "true")
    try:
        from airflow.jobs.local_task_job_runner import LocalTaskJobRunner  # noqa: PLC0415  Airflow 2 only
    except ModuleNotFoundError:
        return None
    from airflow.__main__ import main  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415  comes with Airflow

    sys.argv = ["airflow", *argv]
    try:
        with observed_jobs(LocalTaskJobRunner) as end:
            main()
    except OperationalError as error:
        raise WorkerError(
            ExitCode.API_UNREACHABLE,
            f"The metadata database did not answer ({type(error.orig).__name__}): check that it is up, and "
            "check AIRFLOW__DATABASE__SQL_ALCHEMY_CONN and the security groups.",
        ) from error
    return exit_code_of(end)


@contextmanager
def observed_jobs(runner: type[Any]) -> Iterator[JobEnd]:
    """Record how the job of a runner class ends inside this context."""
    end = JobEnd()
    execute, handle_task_exit = runner._execute, runner.handle_task_exit  # noqa: SLF001

    def observed_execute(job: Any) -> Any:
        try:
            return execute(job)
        finally:
            task = getattr(job, "task_runner", None)
            end.began = end.code is not None or getattr(task, "_rc", None) is not None

    def observed_exit(job: Any, return_code: int) -> None:
        if end.code is None:
            end.code = return_code
            if return_code == 0:
                # As the job does at a heartbeat. The process of a rescheduled sensor also ends with 0.
                job.task_instance.refresh_from_db()
                end.state = job.task_instance.state
        handle_task_exit(job, return_code)

    runner._execute, runner.handle_task_exit = observed_execute, observed_exit  # noqa: SLF001
    try:
        yield end
    finally:
        runner._execute, runner.handle_task_exit = execute, handle_task_exit  # noqa: SLF001


def exit_code_of(end: JobEnd) -> ExitCode:
    """Return the container's exit code for a job that ended.

    Raises:
        WorkerError: TRY_REJECTED if Airflow did not let the task start.
    """
    if not end.began:
        raise WorkerError(
            ExitCode.TRY_REJECTED,
            "Airflow did not let the task start: it runs elsewhere, has ended, or its dependencies are not "
            "met.",
        )
    if end.code == DEFERRED or (end.code == 0 and end.state in CONTINUES):
        return ExitCode.RESUMES_LATER
    if end.code == 0:
        return ExitCode.SUCCESS
    if end.code is None:  # The job ended the task, because its state in the database was changed.
        return ExitCode.ENDED_BY_AIRFLOW
    if end.code in (SIGTERM_CODE, -signal.SIGTERM):
        return ExitCode.STOPPED
    return ExitCode.TASK_KILLED if end.code == -signal.SIGKILL else ExitCode.TASK_FAILED
