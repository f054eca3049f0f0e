"""The container's entrypoint: parse the command, run it, and exit with the task's outcome."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.command import RunLocally, RunWorkload, StandBy, parse_command
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.init import split_off_init

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_fargate.worker.payload import Payload
    from airflow_fargate.worker.s3 import S3Store
    from airflow_fargate.worker.stopping import TaskStop

STOP_TIMEOUT_VARIABLE = "AIRFLOW_FARGATE_STOP_TIMEOUT"
DEFAULT_STOP_TIMEOUT = 120.0
"""Seconds between SIGTERM and SIGKILL: Fargate's longest `stopTimeout`, which Terraform sets."""
_STDOUT, _STDERR = 1, 2
SHARE_FOR_THE_TASK = 0.75
"""The task's share of that time; in the rest Airflow records the state and uploads the log."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a container's command.

    Args:
        arguments: The command; by default this process's own.

    Returns:
        The exit code. The function does not return if another program replaces this process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        command = parse_command(words, python=sys.executable)
        split_off_init()
        if isinstance(command, RunWorkload):
            return run_workload(command.reference)
        if isinstance(command, StandBy):
            return stand_by(command.reference)
        if isinstance(command, RunLocally):
            code = run_local_task(command.argv)
            if code is not None:
                return code
            execute((sys.executable, "-m", "airflow", *command.argv))
        execute(command.argv)
    except WorkerError as error:
        say(str(error))
        return int(error.code)


def run_workload(reference: str) -> int:
    """Fetch the payload, run its workload, return the exit code."""
    from airflow_fargate.worker.stopping import TaskStop  # noqa: PLC0415  other commands do not need it

    join_streams()
    stop = TaskStop(limit=stop_limit(), say=say, leave=leave_stopped)
    # The objects of Airflow's 1,600 modules live as long as the process. Garbage collection would take a
    # sixth of the CPU time of importing them. `run_task` enables it again before the task starts.
    gc.disable()
    from airflow_fargate.worker.payload import load_payload  # noqa: PLC0415

    return _run(load_payload(reference, _s3, say), stop)


def stand_by(reference: str) -> int:
    """Wait for a workload, run it, return the exit code; 79 if there was none."""
    from airflow_fargate.worker.stopping import TaskStop  # noqa: PLC0415

    join_streams()
    gc.disable()
    from airflow_fargate.worker.standby import Departure, Standby  # noqa: PLC0415

    departure = Departure(leave_stopped)
    stop = TaskStop(limit=stop_limit(), say=say, leave=departure.ask)
    payload = Standby(reference, _s3(), departure, say).wait()
    return int(ExitCode.NOT_USED) if payload is None else _run(payload, stop)


def _run(payload: Payload, stop: TaskStop) -> int:
    from airflow_fargate.worker.supervise import run_payload  # noqa: PLC0415

    try:
        code = run_payload(payload, stop)
        if code in (ExitCode.TASK_FAILED, ExitCode.TASK_KILLED):
            say_if_killed_for_memory()
        return int(code)
    except WorkerError:
        raise
    except Exception:  # noqa: BLE001  printed in full, without the token
        token = str(payload.workload.get("token") or "")
        text = traceback.format_exc().rstrip()
        say(f"Running the workload failed:\n{text.replace(token, '***') if token else text}")
        return int(ExitCode.WORKER_FAILED)


def say_if_killed_for_memory() -> None:
    """Report a process that was killed for memory while the container survived: ECS does not report it."""
    from airflow_fargate.worker import memory  # noqa: PLC0415  needed only by failed tasks

    if killed := memory.killed_for_memory():
        say(f"{killed} process(es) in this container were killed for memory. Give the task more memory.")


def run_local_task(argv: Sequence[str]) -> int | None:
    """Run Airflow 2's `tasks run --local` here; return None if this Airflow has no such command."""
    from airflow_fargate.worker.local_task_job import run_local  # noqa: PLC0415  imports Airflow

    join_streams()
    try:
        code = run_local(argv, stop_limit())
    except WorkerError:
        raise
    except Exception:  # noqa: BLE001  printed in full
        say(f"Running the task failed:\n{traceback.format_exc().rstrip()}")
        return int(ExitCode.WORKER_FAILED)
    if code in (ExitCode.TASK_FAILED, ExitCode.TASK_KILLED):
        say_if_killed_for_memory()
    return None if code is None else int(code)


def execute(argv: Sequence[str]) -> NoReturn:
    """Replace this process with a program from PATH; its exit code is the container's."""
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606  the command is the container's own
    except OSError as error:
        raise WorkerError(
            ExitCode.BAD_COMMAND,
            f"The program {argv[0]!r} cannot be run ({error.strerror}). Correct the command or the image.",
        ) from error


def stop_limit() -> float:
    """Return the seconds that a task has to end after SIGTERM."""
    text = os.environ.get(STOP_TIMEOUT_VARIABLE, "")
    try:
        seconds = float(text) if text else DEFAULT_STOP_TIMEOUT
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise WorkerError(
            ExitCode.CONFIG_MISSING,
            f"{STOP_TIMEOUT_VARIABLE} must be a positive number of seconds, got {text!r}. Set it to the task "
            "definition's stopTimeout.",
        )
    return seconds * SHARE_FOR_THE_TASK


def say(line: str) -> None:
    """Write one line to the container's log."""
    print(f"airflow-fargate-worker: {line}", flush=True)  # noqa: T201  the container's log


def join_streams() -> None:
    """Send standard error to standard output, for this process and its children.

    A container engine reads the two streams independently, so their order is lost. The worker's last line
    says why it ended, and the executor shows the container's last lines.
    """
    sys.stderr.flush()
    with suppress(OSError):  # without a standard output there is no log
        os.dup2(_STDOUT, _STDERR)


def leave_stopped() -> NoReturn:
    """Exit at once: there is no task yet, and the main thread may be waiting for the network."""
    os._exit(int(ExitCode.STOPPED))


def _s3() -> S3Store:
    from airflow_fargate.worker.s3 import S3Store  # noqa: PLC0415  imports boto3, at times

    return S3Store()
