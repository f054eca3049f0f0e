"""Airflow 3.0 to 3.4 in the worker, with all differences between these releases.

Importing this module imports nothing of Airflow. The stock `execute_workload` drops the outcome and exits
with 0 for a failed task. So the worker calls the supervisor directly, and reads the final state from its
process object.
"""

from __future__ import annotations

import gc
import inspect
import os
import selectors
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_fargate.worker import lazy_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SERVER_TERMINATED = "server_terminated"
"""The supervisor's final state of a task that it ended on the API server's order; in capitals until 3.3."""

NOT_WANTED = frozenset({404, 409, 410})
"""HTTP statuses with which the API server says that the task must not run any more."""

TASK = "ExecuteTask"
REEXECUTED = "_AIRFLOW__REEXECUTED_PROCESS"
EAGER_IMPORTS = "AIRFLOW_FARGATE_EAGER_IMPORTS"
"""If this variable is set, Airflow is imported normally, for libraries that need that."""


@dataclass
class TaskProcess:
    """The task's process, as the supervisor saw it.

    `exit_code` is negative for a signal, and None while the process runs. `final_state` is Airflow's state of
    the task, None if unknown. `rejected` is set if the API server rejected a heartbeat or the outcome, to the
    task's state on the server; empty if the server does not say.
    """

    pid: int
    exit_code: int | None = None
    final_state: str | None = None
    rejected: str | None = None


def import_airflow() -> None:
    """Import Airflow without a database engine, and without what tasks rarely use."""
    if os.environ.get(EAGER_IMPORTS):
        import airflow.configuration  # noqa: F401, PLC0415

        return
    lazy_imports.install()
    # Airflow sets this for a task that runs as another user; with it, Airflow makes no database engine.
    os.environ[REEXECUTED] = "1"
    try:
        from airflow.configuration import conf  # noqa: PLC0415
    finally:
        del os.environ[REEXECUTED]
    conf.mask_secrets()  # skipped along with the engine


def installed_version() -> str:
    """Return the version of the Airflow that is installed here."""
    import airflow  # noqa: PLC0415

    return str(airflow.__version__)


def execution_api_url() -> str | None:
    """Return the configured address of the execution API; None if Airflow would default to localhost."""
    from airflow.configuration import conf  # noqa: PLC0415

    url = conf.get("core", "execution_api_server_url", fallback=None)
    if url:
        return str(url)
    base = conf.get("api", "base_url", fallback=None)
    return f"{str(base).rstrip('/')}/execution/" if base and "://" in base else None


def send_logs_to_stdout() -> None:
    """Make Airflow log JSON lines to the container's standard output."""
    from airflow.sdk.log import configure_logging  # noqa: PLC0415

    # 3.0 has enable_pretty_log=False instead of json_output=True.
    style = {"json_output": True, "enable_pretty_log": False}
    configure_logging(output=sys.stdout.buffer, **_accepted(configure_logging, style))


def read_workload(document: Mapping[str, Any]) -> Any:
    """Return the workload as Airflow's objects; raise a ValueError that names wrong fields but no values."""
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        if document.get("type") == TASK:
            return _task_model().model_validate(dict(document))
        from airflow.executors import workloads  # noqa: PLC0415  imports the API server's models

        return TypeAdapter(workloads.All).validate_python(dict(document))
    except ValidationError as error:
        # The text of the error quotes the values, including the token.
        fields = {".".join(str(part) for part in fault["loc"]) or "type" for fault in error.errors()}
        raise ValueError(", ".join(sorted(fields))) from None


def _task_model() -> Any:
    """Return the model of a task's workload, built from the SDK's types for the task's process."""
    from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance  # noqa: PLC0415
    from pydantic import create_model  # noqa: PLC0415

    return create_model(
        TASK,
        type=(str, ...),
        token=(str, ...),
        ti=(TaskInstance, ...),
        dag_rel_path=(Path, ...),
        bundle_info=(BundleInfo, ...),
        log_path=(str | None, ...),
        sentry_integration=(str, ""),  # since 3.2
    )


def is_task(workload: Any) -> bool:
    """Say whether it is a task, not a callback or a connection test."""
    return bool(workload.type == TASK)


def run_task(workload: Any, server: str) -> int:
    """Run a task under Airflow's supervisor until it ends; return the exit code of its process."""
    # The task's process will import task_runner. Imported here, it needs no garbage collections.
    from airflow.sdk.execution_time import supervisor, task_runner  # noqa: F401, PLC0415

    supervise = getattr(supervisor, "supervise_task", None) or supervisor.supervise  # renamed in 3.3
    arguments = {
        "ti": workload.ti,
        "bundle_info": workload.bundle_info,
        "dag_rel_path": workload.dag_rel_path,
        "token": workload.token,
        "server": server,
        "log_path": workload.log_path,
        "subprocess_logs_to_stdout": True,
        "sentry_integration": workload.sentry_integration,
    }
    collect_garbage_again()
    return int(supervise(**_accepted(supervise, arguments)) or 0)


def collect_garbage_again() -> None:
    """Enable garbage collection again, except for the objects that exist now and live as long."""
    gc.freeze()
    gc.enable()


def run_other(workload: Any, server: str) -> int | None:
    """Run a callback or a connection test; return an exit code, or None if this release cannot."""
    from airflow.executors.base_executor import BaseExecutor  # noqa: PLC0415

    collect_garbage_again()
    run = getattr(BaseExecutor, "run_workload", None)  # since 3.3
    if run is not None:
        return int(run(workload, server=server, subprocess_logs_to_stdout=True) or 0)
    try:
        from airflow.executors.workloads.callback import execute_callback_workload  # noqa: PLC0415  3.2
    except ImportError:
        return None
    import structlog  # noqa: PLC0415  comes with Airflow

    log = structlog.get_logger("airflow_fargate.worker")
    succeeded, reason = execute_callback_workload(workload.callback, log)
    if not succeeded:
        log.error("The callback failed", reason=reason)
    return 0 if succeeded else 1


@contextmanager
def observed_tasks(started: Callable[[TaskProcess], None]) -> Iterator[None]:
    """Report the process of each task that the supervisor waits for, and record how it ended.

    Args:
        started: Called when the API server has let the task start. The object is completed when the process
            has ended, even if the supervisor then fails to record the outcome.
    """
    from airflow.sdk.execution_time.supervisor import ActivitySubprocess  # noqa: PLC0415

    wait = ActivitySubprocess.wait

    def observed_wait(process: Any) -> int:
        task = TaskProcess(process.pid)
        started(task)
        _note_rejections(process, task)
        _wake_at_exit(process)
        try:
            code = int(wait(process))
        finally:
            if process._exit_code is not None:  # noqa: SLF001  None if the supervisor was interrupted
                task.exit_code = int(process._exit_code)  # noqa: SLF001
                task.final_state = str(getattr(process.final_state, "value", process.final_state))
        _record_retry_of_a_dead_task(process, task)
        return code

    ActivitySubprocess.wait = observed_wait
    try:
        yield
    finally:
        ActivitySubprocess.wait = wait


class _ProcessEnd:
    """A pidfd for the supervisor's selector, readable when the process has ended."""

    def __init__(self, pid: int) -> None:
        self._handle = os.pidfd_open(pid)

    def fileno(self) -> int:
        return self._handle

    def close(self) -> None:
        os.close(self._handle)


def _wake_at_exit(process: Any) -> None:
    """Make the supervisor notice the end of the task's process at once.

    It waits only for the process's sockets. They close a moment before the process ends, and the supervisor
    then usually sleeps for a whole heartbeat interval, 5 s by default.
    """
    try:
        end = _ProcessEnd(process.pid)
    except OSError:
        return  # it has already ended, or the kernel has no pidfd and the supervisor sleeps
    process.selector.register(end, selectors.EVENT_READ, (lambda _: False, process.selector.unregister))


def _note_rejections(process: Any, task: TaskProcess) -> None:
    """Record if the API server rejects a heartbeat or the outcome of this task.

    The supervisor reports only a rejected heartbeat. If a task is cleared just before it ends, the API server
    rejects its outcome instead, which the supervisor only logs from 3.2 on.
    """
    paths = tuple(f"task-instances/{process.id}/{name}" for name in ("heartbeat", "state"))

    def note(response: Any) -> None:
        rejected = response.status_code in NOT_WANTED and response.request.url.path.endswith(paths)
        if rejected and task.rejected is None:
            task.rejected = _state_in(response)

    hooks = process.client.event_hooks
    process.client.event_hooks = {**hooks, "response": [note, *hooks.get("response", ())]}


def _state_in(response: Any) -> str:
    """Return the task's state from the answer to a rejected request; empty if it has none."""
    try:
        response.read()
        detail = response.json()["detail"]
        if detail["reason"] == "running_elsewhere":
            return "running"
        return str(detail.get("current_state") or detail.get("previous_state") or "")
    except Exception:  # noqa: BLE001  an answer in another format, for example from a proxy
        return ""


def _record_retry_of_a_dead_task(process: Any, task: TaskProcess) -> None:
    """Report the retry of a killed task to the API server.

    The supervisor assumes that a task with tries left reported its retry itself, but a killed task could not.
    Without this call, Airflow notices the task only after the heartbeat timeout.
    """
    unreported = task.final_state == "up_for_retry" and process._terminal_state is None  # noqa: SLF001
    if unreported and task.rejected is None:
        process.client.task_instances.retry(
            id=process.id,
            end_date=datetime.now(tz=timezone.utc),
            rendered_map_index=process._rendered_map_index,  # noqa: SLF001
        )


def _accepted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that the function has in this release."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}
