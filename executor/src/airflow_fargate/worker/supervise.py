"""Run one workload under Airflow's supervisor, and return its outcome as an exit code."""

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
"""Final states after which the task needs no other container."""

RESUMES = frozenset({"deferred", "up_for_reschedule", "awaiting_input"})
"""Final states after which another container continues the same try later."""

CONTINUES = RESUMES | {"scheduled", "queued", "running"}
"""States on the API server in which the task's key already belongs to another container."""


def run_payload(payload: Payload, stop: TaskStop) -> ExitCode:
    """Run the payload's workload until it ends.

    Args:
        payload: The payload.
        stop: Stops the task's process on SIGTERM.

    Returns:
        The outcome of the task.

    Raises:
        WorkerError: The task could not be run, or its state could not be recorded.
    """
    airflow_runtime.import_airflow()
    check_release(payload, airflow_runtime.installed_version())
    server = airflow_runtime.execution_api_url()
    if server is None:
        raise WorkerError(
            ExitCode.CONFIG_MISSING,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL is required. Set it to the API server's address in the "
            "task definition.",
        )
    airflow_runtime.send_logs_to_stdout()
    try:
        workload = airflow_runtime.read_workload(payload.workload)
    except ValueError as error:
        raise WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"Airflow rejects the payload's workload: wrong fields: {error}. Use an image with the "
            "scheduler's Airflow release.",
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
            f"This image's Airflow cannot run a workload of type {workload.type}. Use an image with the "
            "scheduler's Airflow release.",
        )
    return ExitCode.TASK_FAILED if code else ExitCode.SUCCESS


def exit_code_of(task: TaskProcess, *, stopped: bool) -> ExitCode:
    """Return the container's exit code for a task that ended.

    Args:
        task: The task's process.
        stopped: Whether it was signalled to stop because the container was stopped.
    """
    if task.rejected in CONTINUES or (task.rejected is None and task.final_state in RESUMES):
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
