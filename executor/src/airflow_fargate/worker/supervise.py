"""Run one workload under Airflow's supervisor and tell its outcome as an exit code."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import airflow_runtime, api_errors
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.payload import check_release

if TYPE_CHECKING:
    from airflow_fargate.worker.airflow_runtime import TaskProcess
    from airflow_fargate.worker.payload import Payload
    from airflow_fargate.worker.stopping import TaskStop

DONE = frozenset({"success", "skipped", "removed"})
"""Final states in which the task needs no other container."""

RESUMES = frozenset({"deferred", "up_for_reschedule", "awaiting_input"})
"""Final states in which another container goes on with the same try later."""

GOES_ON = RESUMES | {"scheduled", "queued", "running"}
"""States of a task at the API server in which its key already means another container."""


def run_payload(payload: Payload, stop: TaskStop) -> ExitCode:
    """Run the payload's workload to its end.

    Args:
        payload: What the executor sent.
        stop: Is told of the task's process, and knows whether it was stopped.

    Returns:
        The outcome of the task.

    Raises:
        WorkerError: When the task could not be run, or its state could not be recorded.
    """
    airflow_runtime.import_airflow()
    check_release(payload, airflow_runtime.installed_version())
    server = airflow_runtime.execution_api_url()
    if server is None:
        raise WorkerError(
            ExitCode.CONFIG_MISSING,
            "The address of the API server is not configured: set AIRFLOW__CORE__EXECUTION_API_SERVER_URL "
            "in the task definition.",
        )
    airflow_runtime.send_logs_to_stdout()
    try:
        workload = airflow_runtime.read_workload(payload.workload)
    except ValueError as error:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID, f"Airflow does not understand the payload's workload: see {error}."
        ) from error
    if not airflow_runtime.is_task(workload):
        return _run_other(workload, server)
    return _run_task(workload, server, stop)


def _run_task(workload: Any, server: str, stop: TaskStop) -> ExitCode:
    tasks: list[TaskProcess] = []

    def started(task: TaskProcess) -> None:
        tasks.append(task)
        stop.task_started(task.pid)

    try:
        with airflow_runtime.observed_tasks(started):
            code = airflow_runtime.run_task(workload, server)
    except Exception as error:
        if not tasks or tasks[-1].rejected is None:
            failure = api_errors.explain(error, server, tasks[-1].final_state if tasks else None)
            if failure is None:
                raise
            raise failure from error
        code = ExitCode.ENDED_BY_AIRFLOW
    finally:
        stop.task_ended()
    task = tasks[-1] if tasks else airflow_runtime.TaskProcess(0, exit_code=code)
    return exit_code_of(task, stopped=stop.requested)


def _run_other(workload: Any, server: str) -> ExitCode:
    code = airflow_runtime.run_other(workload, server)
    if code is None:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"This image's Airflow cannot run a workload of type {workload.type}.",
        )
    return ExitCode.TASK_FAILED if code else ExitCode.SUCCESS


def exit_code_of(task: TaskProcess, *, stopped: bool) -> ExitCode:
    """Return the container's exit code for a task that ended.

    Args:
        task: What the supervisor knew of it.
        stopped: Whether it was told to stop because the container was.
    """
    if task.rejected in GOES_ON or (task.rejected is None and task.final_state in RESUMES):
        return ExitCode.RESUMES_LATER
    if task.rejected is not None or (task.final_state or "").lower() == airflow_runtime.SERVER_TERMINATED:
        return ExitCode.ENDED_BY_AIRFLOW
    if task.final_state in DONE or (task.final_state is None and task.exit_code == 0):
        return ExitCode.SUCCESS
    if stopped:
        return ExitCode.STOPPED
    if task.exit_code == -signal.SIGKILL:
        return ExitCode.TASK_KILLED
    return ExitCode.TASK_FAILED
