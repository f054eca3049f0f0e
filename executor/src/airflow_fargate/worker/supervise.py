"""Run one workload under Airflow's supervisor and tell its outcome as an exit code."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import airflow_runtime
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.payload import check_release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.worker.airflow_runtime import TaskProcess
    from airflow_fargate.worker.payload import Payload
    from airflow_fargate.worker.stopping import TaskStop

DONE = frozenset({"success", "skipped", "removed"})
"""Final states in which the task needs no other container."""

RESUMES = frozenset({"deferred", "up_for_reschedule", "awaiting_input"})
"""Final states in which another container goes on with the same try later."""

GOES_ON = RESUMES | {"scheduled", "queued", "running"}
"""States of a task at the API server in which its key already means another container."""

HTTP_UNAUTHORIZED, HTTP_FORBIDDEN = 401, 403
HTTP_SERVER_ERROR = 500


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
            failure = _as_worker_error(error, server, tasks)
            if failure is None:
                raise
            raise failure from error
        code = ExitCode.ENDED_BY_AIRFLOW
    finally:
        stop.task_ended()
    task = tasks[-1] if tasks else airflow_runtime.TaskProcess(0, exit_code=code)
    return exit_code_of(task, stopped=stop.told)


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
    if task.rejected is not None or task.final_state == airflow_runtime.SERVER_TERMINATED:
        return ExitCode.ENDED_BY_AIRFLOW
    if task.final_state in DONE or (task.final_state is None and task.exit_code == 0):
        return ExitCode.SUCCESS
    if stopped:
        return ExitCode.STOPPED
    if task.exit_code == -signal.SIGKILL:
        return ExitCode.TASK_KILLED
    return ExitCode.TASK_FAILED


def _as_worker_error(error: Exception, server: str, tasks: list[TaskProcess]) -> WorkerError | None:
    """Explain a failure of the API server; None when the error is something else."""
    status = next((s for s in map(_status_of, _chain(error)) if s), None)
    if status is None and not any(_is_transport_error(cause) for cause in _chain(error)):
        return None
    ended = tasks[-1].final_state if tasks else None
    about = f"The task ended as {ended}, but this was not recorded: t" if ended else "T"
    where = f"he API server at {server}"
    if status in (HTTP_UNAUTHORIZED, HTTP_FORBIDDEN):
        return WorkerError(
            ExitCode.TOKEN_REFUSED,
            f"{about}{where} refused the token ({status}): it expired before the container started, "
            "or the services do not share one AIRFLOW__API_AUTH__JWT_SECRET.",
        )
    if status in airflow_runtime.NOT_WANTED:
        return WorkerError(
            ExitCode.TRY_REFUSED,
            f"{about}{where} refused this try ({status}): it runs elsewhere, ended, or was cleared.",
        )
    if status is not None and status < HTTP_SERVER_ERROR:
        return WorkerError(
            ExitCode.PAYLOAD_INVALID,
            f"{about}{where} did not accept the request ({status}): "
            "check that the image's Airflow release fits the server's.",
        )
    reason = f"answered {status}" if status else "did not answer"
    return WorkerError(
        ExitCode.API_UNREACHABLE,
        f"{about}{where} {reason}: check its address, that it is up, and the security groups on the way.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status_of(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _is_transport_error(error: BaseException) -> bool:
    import httpx  # noqa: PLC0415  comes with Airflow

    return isinstance(error, httpx.TransportError)
