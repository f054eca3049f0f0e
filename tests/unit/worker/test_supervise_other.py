"""Callbacks and connection tests, and workloads that are rejected before Airflow starts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import airflow_runtime, supervise
from airflow_fargate.worker.airflow_runtime import TaskProcess
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.payload import Payload

SERVER = "http://airflow.internal:8080/execution/"
STOP = SimpleNamespace(requested=False, task_started=lambda _pid: None, task_ended=lambda: None)


@pytest.fixture
def payload(monkeypatch):
    """Return a payload of the installed release, in an image with the API server's address."""
    monkeypatch.setattr(airflow_runtime, "execution_api_url", lambda: SERVER)
    monkeypatch.setattr(airflow_runtime, "send_logs_to_stdout", lambda: None)
    monkeypatch.setattr(airflow_runtime, "import_airflow", lambda: None)  # it is already imported
    return Payload(airflow_runtime.installed_version(), "launch", "key", {"type": "ExecuteCallback"})


@pytest.mark.parametrize(
    ("ended", "code"), [(0, ExitCode.SUCCESS), (1, ExitCode.TASK_FAILED)], ids=["success", "failure"]
)
def test_a_callback_sets_the_exit_code(monkeypatch, payload, ended, code):
    """There is no task, so its own result is the container's exit code."""
    monkeypatch.setattr(airflow_runtime, "read_workload", lambda _: SimpleNamespace(type="ExecuteCallback"))
    monkeypatch.setattr(airflow_runtime, "run_other", lambda *_: ended)
    assert supervise.run_payload(payload, STOP) is code


def test_a_workload_type_without_support_is_named(monkeypatch, payload):
    """The message has the workload's type."""
    monkeypatch.setattr(airflow_runtime, "read_workload", lambda _: SimpleNamespace(type="ExecuteCallback"))
    monkeypatch.setattr(airflow_runtime, "run_other", lambda *_: None)
    with pytest.raises(WorkerError, match="type ExecuteCallback") as caught:
        supervise.run_payload(payload, STOP)
    assert caught.value.code is ExitCode.PAYLOAD_INVALID


def test_an_invalid_workload_is_rejected(payload):
    """The message has the wrong fields."""
    with pytest.raises(WorkerError, match="wrong fields: ") as caught:
        supervise.run_payload(payload, STOP)
    assert caught.value.code is ExitCode.PAYLOAD_INVALID


def test_other_errors_are_raised_unchanged(monkeypatch):
    """They are not blamed on the API server."""

    def run_task(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(airflow_runtime, "run_task", run_task)
    with pytest.raises(ZeroDivisionError):
        supervise._run_task(object(), SERVER, STOP)


def test_a_process_that_has_already_ended_needs_no_wake_up():
    """It has no pidfd, and the supervisor notices its end itself."""
    airflow_runtime._wake_at_exit(SimpleNamespace(pid=2**22 + 1, selector=None))


def test_without_a_process_the_supervisors_exit_code_decides(monkeypatch):
    """A release may report no process."""
    monkeypatch.setattr(airflow_runtime, "run_task", lambda *_: 3)
    assert supervise._run_task(object(), SERVER, STOP) is ExitCode.TASK_FAILED
    assert supervise.exit_code_of(TaskProcess(0, exit_code=0), stopped=False) is ExitCode.SUCCESS
