"""`airflow tasks run --local` of Airflow 2.11 in this process, with the task's own outcome as exit code.

Airflow 2's CLI drops what its LocalTaskJob returns and exits 0 whatever became of the task. The job itself is
as it should be: on SIGTERM it ends the task, which calls `on_kill` and records the retry or the failure.
Importing this module imports nothing of Airflow.
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
from airflow_fargate.worker.supervise import GOES_ON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFERRED = 100
"""`TaskReturnCode.DEFERRED` of Airflow 2: the task's process ended, its work goes on in the triggerer."""
SIGTERM_CODE = 128 + signal.SIGTERM
CLEANUP_VARIABLE = "AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME"
STDOUT_VARIABLE = "AIRFLOW_IS_EXECUTOR_CONTAINER"
"""Set, Airflow 2 writes a task's log to standard output too; it looks when it is imported."""


@dataclass
class JobEnd:
    """What became of a LocalTaskJob.

    `code` is the first exit code that the job dealt with: the task's own (negative for a signal), or 143 when
    a SIGTERM to the job came before it. None where the task ended without one. `began` tells whether the
    task's process was started at all. `state` is the task's state in the database after code 0.
    """

    code: int | None = None
    began: bool = False
    state: str | None = None


def run_local(argv: Sequence[str], stop_limit: float) -> ExitCode | None:
    """Run the command to its end.

    Args:
        argv: The command, without the word `airflow`.
        stop_limit: Seconds a task gets to end by itself after SIGTERM.

    Returns:
        The outcome, or None where this Airflow has no such command.

    Raises:
        WorkerError: API_UNREACHABLE, when the metadata database did not answer.
    """
    # Airflow kills a task that long after it was told to stop; 60 s unless it is configured.
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
            f"The metadata database did not answer ({type(error.orig).__name__}): check "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, that it is up, and the security groups on the way.",
        ) from error
    return exit_code_of(end)


@contextmanager
def observed_jobs(runner: type[Any]) -> Iterator[JobEnd]:
    """Fill in how the job of a runner class ends while inside."""
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
                # As the job itself does at a heartbeat; a rescheduled sensor's process ends with 0, too.
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
        WorkerError: TRY_REFUSED, when Airflow did not let the task begin.
    """
    if not end.began:
        raise WorkerError(
            ExitCode.TRY_REFUSED,
            "Airflow did not let the task begin: it runs elsewhere, ended, or what it depends on is not met.",
        )
    if end.code == DEFERRED or (end.code == 0 and end.state in GOES_ON):
        return ExitCode.RESUMES_LATER
    if end.code == 0:
        return ExitCode.SUCCESS
    if end.code is None:  # The job ended the task, because its state in the database was changed.
        return ExitCode.ENDED_BY_AIRFLOW
    if end.code in (SIGTERM_CODE, -signal.SIGTERM):
        return ExitCode.STOPPED
    return ExitCode.TASK_KILLED if end.code == -signal.SIGKILL else ExitCode.TASK_FAILED
