"""The container's exit code for each outcome of a task."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from airflow_fargate.exit_codes import ExitCode, meaning_of
from airflow_fargate.worker import airflow_runtime, supervise
from airflow_fargate.worker.airflow_runtime import TaskProcess
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.supervise import exit_code_of

SERVER = "http://airflow.internal:8080/execution/"


@pytest.mark.parametrize(
    ("exit_code", "final_state", "stopped", "expected"),
    [
        (0, "success", False, ExitCode.SUCCESS),
        (0, "skipped", False, ExitCode.SUCCESS),
        (0, "removed", False, ExitCode.SUCCESS),
        (0, "deferred", False, ExitCode.RESUMES_LATER),
        (0, "up_for_reschedule", False, ExitCode.RESUMES_LATER),
        (0, "awaiting_input", False, ExitCode.RESUMES_LATER),
        (0, None, False, ExitCode.SUCCESS),
        (0, "success", True, ExitCode.SUCCESS),
        (0, "failed", False, ExitCode.TASK_FAILED),
        (0, "up_for_retry", False, ExitCode.TASK_FAILED),
        (1, "up_for_retry", False, ExitCode.TASK_FAILED),
        (1, None, False, ExitCode.TASK_FAILED),
        (-signal.SIGSEGV, "failed", False, ExitCode.TASK_FAILED),
        (-signal.SIGKILL, "failed", False, ExitCode.TASK_KILLED),
        (-signal.SIGKILL, "up_for_retry", False, ExitCode.TASK_KILLED),
        (-signal.SIGKILL, "up_for_retry", True, ExitCode.STOPPED),
        (0, "up_for_retry", True, ExitCode.STOPPED),
        (-signal.SIGTERM, "SERVER_TERMINATED", False, ExitCode.ENDED_BY_AIRFLOW),
        (0, "SERVER_TERMINATED", False, ExitCode.ENDED_BY_AIRFLOW),
        (-signal.SIGKILL, "SERVER_TERMINATED", True, ExitCode.ENDED_BY_AIRFLOW),
        (-signal.SIGKILL, "server_terminated", False, ExitCode.ENDED_BY_AIRFLOW),
    ],
)
def test_each_outcome_has_its_exit_code(exit_code, final_state, stopped, expected):
    """0 means that the task did its work; other outcomes have their own codes."""
    assert exit_code_of(TaskProcess(7, exit_code, final_state), stopped=stopped) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("restarting", ExitCode.ENDED_BY_AIRFLOW),
        ("success", ExitCode.ENDED_BY_AIRFLOW),
        ("failed", ExitCode.ENDED_BY_AIRFLOW),
        ("up_for_retry", ExitCode.ENDED_BY_AIRFLOW),
        ("", ExitCode.ENDED_BY_AIRFLOW),
        ("deferred", ExitCode.RESUMES_LATER),
        ("up_for_reschedule", ExitCode.RESUMES_LATER),
        ("queued", ExitCode.RESUMES_LATER),
        ("running", ExitCode.RESUMES_LATER),
    ],
)
@pytest.mark.parametrize(
    ("exit_code", "final_state"), [(0, "success"), (1, "failed"), (1, "up_for_retry"), (None, None)]
)
def test_a_rejected_outcome_is_not_a_failure(exit_code, final_state, state, expected):
    """Airflow decided otherwise. If the key belongs to another container now, the task resumes later."""
    task = TaskProcess(7, exit_code, final_state, rejected=state)
    assert exit_code_of(task, stopped=False) is expected


def response_error(status):
    """Return the error for an answer of the API server."""
    request = httpx.Request("PATCH", SERVER)
    return httpx.HTTPStatusError("m", request=request, response=httpx.Response(status, request=request))


def wrapped(error):
    """Return another error with this cause."""
    outer = RuntimeError("Airflow's own wrapping")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("no route to host"), ExitCode.API_UNREACHABLE),
        (httpx.ReadTimeout("slow"), ExitCode.API_UNREACHABLE),
        (response_error(503), ExitCode.API_UNREACHABLE),
        (response_error(401), ExitCode.TOKEN_REJECTED),
        (response_error(403), ExitCode.TOKEN_REJECTED),
        (response_error(409), ExitCode.TRY_REJECTED),
        (wrapped(response_error(409)), ExitCode.TRY_REJECTED),
        (response_error(404), ExitCode.TRY_REJECTED),
        (response_error(422), ExitCode.PAYLOAD_INVALID),
    ],
)
@pytest.mark.parametrize("ended", [None, "success"])
def test_a_failing_api_server_is_explained(monkeypatch, error, expected, ended):
    """The exit code has the kind of failure; the message has the server, and whether the task had ended."""

    def run_task(*_):
        raise error

    monkeypatch.setattr(airflow_runtime, "run_task", run_task)
    monkeypatch.setattr(airflow_runtime, "observed_tasks", observing(ended))
    stop = SimpleNamespace(requested=False, task_started=lambda _pid: None, task_ended=lambda: None)
    with pytest.raises(WorkerError) as caught:
        supervise._run_task(object(), SERVER, stop)
    assert caught.value.code is expected
    assert SERVER in str(caught.value)
    assert ("The task ended as success" in str(caught.value)) == (ended is not None)


def observing(ended):
    """Return a replacement for `observed_tasks` in which a task had ended in this state, if any."""

    class Observing:
        def __init__(self, started):
            if ended:
                started(TaskProcess(7, 0, ended))

        def __enter__(self):
            return None

        def __exit__(self, *_):
            return None

    return Observing


def test_an_invalid_workload_is_reported_without_its_values():
    """The message has the fields only, because one of the values is the token."""
    document = {"type": "ExecuteTask", "token": "SECRET", "ti": {"id": "SECRET"}, "dag_rel_path": 1}
    with pytest.raises(ValueError, match=r"ti\.") as caught:
        airflow_runtime.read_workload(document)
    assert "SECRET" not in str(caught.value)


def test_a_workload_of_this_release_is_parsed():
    """The document from the executor becomes Airflow's workload object."""
    some_id = str(uuid.uuid4())
    workload = airflow_runtime.read_workload(
        {
            "type": "ExecuteTask",
            "token": "t",
            "ti": {
                "id": some_id,
                "dag_version_id": some_id,
                "task_id": "t",
                "dag_id": "d",
                "run_id": "r",
                "try_number": 1,
                "map_index": -1,
                "pool_slots": 1,
                "queue": "default",
                "priority_weight": 1,
            },
            "dag_rel_path": "d.py",
            "bundle_info": {"name": "dags-folder", "version": None},
            "log_path": "x.log",
        }
    )
    assert airflow_runtime.is_task(workload)
    assert str(workload.ti.id) == some_id


def test_every_exit_code_has_a_meaning():
    """The table in the README and the message in the UI use it."""
    assert all(code.meaning.endswith(".") for code in ExitCode)
    assert meaning_of(137) == ExitCode.TASK_KILLED.meaning
    assert meaning_of(2) is None


def test_the_readme_lists_the_exit_codes():
    """Its table has every exit code with its meaning."""
    readme = (Path(__file__).parents[3] / "worker_image" / "README.md").read_text()
    rows = [f"| {code.value} | {code.meaning} |" for code in ExitCode]
    assert [line for line in readme.splitlines() if line in rows] == rows
