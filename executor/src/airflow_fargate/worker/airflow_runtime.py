"""Airflow 3.0 to 3.4 as the worker sees it: every difference between these releases, and nowhere else.

Importing this module imports nothing of Airflow. The stock `execute_workload` drops the outcome: it exits 0
for a failed task. So the supervisor is called directly, and its own process object is asked for the final
state when it is done.
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
"""What the supervisor calls a task that it ended because the API server said so; in capitals until 3.3."""

NOT_WANTED = frozenset({404, 409, 410})
"""HTTP statuses by which the API server says that this task is not to run any more."""

TASK = "ExecuteTask"
REEXECUTED = "_AIRFLOW__REEXECUTED_PROCESS"
EAGER_IMPORTS = "AIRFLOW_FARGATE_EAGER_IMPORTS"
"""Set to anything, Airflow is imported as it comes: for a library that the other way does not suit."""


@dataclass
class TaskProcess:
    """What the supervisor knew of the task's process.

    `exit_code` is negative for a signal and None while it runs; `final_state` is Airflow's word for the
    outcome, None when unknown. `rejected` is set once the API server rejected a heartbeat or the outcome: to
    the state that the task has there, empty if the server does not say.
    """

    pid: int
    exit_code: int | None = None
    final_state: str | None = None
    rejected: str | None = None


def import_airflow() -> None:
    """Import Airflow as a worker needs it: no engine for a database, what tasks seldom use put off."""
    if os.environ.get(EAGER_IMPORTS):
        import airflow.configuration  # noqa: F401, PLC0415

        return
    lazy_imports.install()
    # So Airflow tells the process of a task that runs as another user: there it makes no database engine.
    os.environ[REEXECUTED] = "1"
    try:
        from airflow.configuration import conf  # noqa: PLC0415
    finally:
        del os.environ[REEXECUTED]
    conf.mask_secrets()  # which it leaves out with the engine


def installed_version() -> str:
    """Return the version of the Airflow that is installed here."""
    import airflow  # noqa: PLC0415

    return str(airflow.__version__)


def execution_api_url() -> str | None:
    """Return the configured address of the execution API, or None where Airflow would guess localhost."""
    from airflow.configuration import conf  # noqa: PLC0415

    url = conf.get("core", "execution_api_server_url", fallback=None)
    if url:
        return str(url)
    base = conf.get("api", "base_url", fallback=None)
    return f"{str(base).rstrip('/')}/execution/" if base and "://" in base else None


def send_logs_to_stdout() -> None:
    """Make Airflow log JSON lines to the container's standard output."""
    from airflow.sdk.log import configure_logging  # noqa: PLC0415

    # 3.0 says enable_pretty_log=False for what later releases call json_output=True.
    style = {"json_output": True, "enable_pretty_log": False}
    configure_logging(output=sys.stdout.buffer, **_accepted(configure_logging, style))


def read_workload(document: Mapping[str, Any]) -> Any:
    """Return the workload as Airflow's objects; raises ValueError that names wrong fields, and no value."""
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        if document.get("type") == TASK:
            return _task_model().model_validate(dict(document))
        from airflow.executors import workloads  # noqa: PLC0415  with the API server's models in tow

        return TypeAdapter(workloads.All).validate_python(dict(document))
    except ValidationError as error:
        # Its own text quotes the values, the token among them.
        fields = {".".join(str(part) for part in fault["loc"]) or "type" for fault in error.errors()}
        raise ValueError(", ".join(sorted(fields))) from None


def _task_model() -> Any:
    """Return the model of a task's workload, made of the SDK's own parts: what the task's process is sent."""
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
    """Tell a task from a callback or a connection test."""
    return bool(workload.type == TASK)


def run_task(workload: Any, server: str) -> int:
    """Run a task to its end under Airflow's supervisor; returns the exit code of the task's process."""
    # The task's process is about to import task_runner: here it comes in without garbage collections.
    from airflow.sdk.execution_time import supervisor, task_runner  # noqa: F401, PLC0415

    supervise = getattr(supervisor, "supervise_task", None) or supervisor.supervise  # 3.3 renamed it
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
    """Collect garbage as Python does by default, less what exists now, which stays with the process."""
    gc.freeze()
    gc.enable()


def run_other(workload: Any, server: str) -> int | None:
    """Run a callback or a connection test; returns an exit code, or None where this release cannot."""
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
    """Report the process of each task that the supervisor waits for, and fill in how it ended.

    Args:
        started: Called once the API server let the task start; the object is completed when it has ended,
            also when the supervisor then fails to record it.
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
            if process._exit_code is not None:  # noqa: SLF001  None when the supervisor broke off
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
    """A pidfd as the supervisor's selector wants its files: readable once the process has ended."""

    def __init__(self, pid: int) -> None:
        self._handle = os.pidfd_open(pid)

    def fileno(self) -> int:
        return self._handle

    def close(self) -> None:
        os.close(self._handle)


def _wake_at_exit(process: Any) -> None:
    """Let the supervisor notice the end of the task's process at once.

    It waits for the process's sockets only. They close a moment before the process is gone, and then the
    supervisor sleeps for a whole heartbeat interval, 5 s by default, in most of the runs.
    """
    try:
        end = _ProcessEnd(process.pid)
    except OSError:
        return  # it has ended already, or the kernel has no pidfd: then it takes those seconds
    process.selector.register(end, selectors.EVENT_READ, (lambda _: False, process.selector.unregister))


def _note_rejections(process: Any, task: TaskProcess) -> None:
    """Take note if the API server rejects a heartbeat or the outcome of this task.

    The supervisor tells only of a heartbeat. A task that is cleared just before its end has its outcome
    rejected instead, and from 3.2 on the supervisor only logs that.
    """
    paths = tuple(f"task-instances/{process.id}/{name}" for name in ("heartbeat", "state"))

    def note(response: Any) -> None:
        rejected = response.status_code in NOT_WANTED and response.request.url.path.endswith(paths)
        if rejected and task.rejected is None:
            task.rejected = _state_in(response)

    hooks = process.client.event_hooks
    process.client.event_hooks = {**hooks, "response": [note, *hooks.get("response", ())]}


def _state_in(response: Any) -> str:
    """Return the task's state from the answer to a rejected request; empty if there is none."""
    try:
        response.read()
        detail = response.json()["detail"]
        if detail["reason"] == "running_elsewhere":
            return "running"
        return str(detail.get("current_state") or detail.get("previous_state") or "")
    except Exception:  # noqa: BLE001  an answer of another form, a proxy's for example
        return ""


def _record_retry_of_a_dead_task(process: Any, task: TaskProcess) -> None:
    """Tell the API server what the supervisor only told itself.

    It calls a killed task with tries left up for retry, and takes for granted that the task itself
    said so to the API server, which it could not. Without this Airflow waits for the heartbeat timeout.
    """
    unsaid = task.final_state == "up_for_retry" and process._terminal_state is None  # noqa: SLF001
    if unsaid and task.rejected is None:
        process.client.task_instances.retry(
            id=process.id,
            end_date=datetime.now(tz=timezone.utc),
            rendered_map_index=process._rendered_map_index,  # noqa: SLF001
        )


def _accepted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return those arguments that this release's function takes."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}
