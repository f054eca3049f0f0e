"""Workloads that are no tasks, and what is refused before Airflow begins."""

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
    """Return a payload of the release that is installed, in an image that knows its API server."""
    monkeypatch.setattr(airflow_runtime, "execution_api_url", lambda: SERVER)
    monkeypatch.setattr(airflow_runtime, "send_logs_to_stdout", lambda: None)
    monkeypatch.setattr(airflow_runtime, "import_airflow", lambda: None)  # it is, and stays as it is
    return Payload(airflow_runtime.installed_version(), "launch", "key", {"type": "ExecuteCallback"})


@pytest.mark.parametrize(
    ("ended", "code"), [(0, ExitCode.SUCCESS), (1, ExitCode.TASK_FAILED)], ids=["well", "badly"]
)
def test_a_callback_leaves_with_how_it_ended(monkeypatch, payload, ended, code):
    """It runs beside no task: its own exit code is the container's."""
    monkeypatch.setattr(airflow_runtime, "read_workload", lambda _: SimpleNamespace(type="ExecuteCallback"))
    monkeypatch.setattr(airflow_runtime, "run_other", lambda *_: ended)
    assert supervise.run_payload(payload, STOP) is code


def test_what_this_release_cannot_run_is_named(monkeypatch, payload):
    """The workload's type, so that one knows which image is meant."""
    monkeypatch.setattr(airflow_runtime, "read_workload", lambda _: SimpleNamespace(type="ExecuteCallback"))
    monkeypatch.setattr(airflow_runtime, "run_other", lambda *_: None)
    with pytest.raises(WorkerError, match="type ExecuteCallback") as caught:
        supervise.run_payload(payload, STOP)
    assert caught.value.code is ExitCode.PAYLOAD_INVALID


def test_a_workload_that_airflow_does_not_understand_is_refused(payload):
    """With the fields that are wrong."""
    with pytest.raises(WorkerError, match="does not understand") as caught:
        supervise.run_payload(payload, STOP)
    assert caught.value.code is ExitCode.PAYLOAD_INVALID


def test_a_fault_that_is_not_the_servers_is_raised_as_it_is(monkeypatch):
    """Nothing is blamed on the network that has nothing to do with it."""

    def run_task(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(airflow_runtime, "run_task", run_task)
    with pytest.raises(ZeroDivisionError):
        supervise._run_task(object(), SERVER, STOP)


def test_a_process_that_has_ended_already_is_not_waited_for():
    """No handle can be had of it; the supervisor finds out by itself."""
    airflow_runtime._wake_at_exit(SimpleNamespace(pid=2**22 + 1, selector=None))


def test_a_task_that_the_supervisor_never_waited_for_leaves_with_its_code(monkeypatch):
    """Where a release reports no process, the supervisor's own exit code decides."""
    monkeypatch.setattr(airflow_runtime, "run_task", lambda *_: 3)
    assert supervise._run_task(object(), SERVER, STOP) is ExitCode.TASK_FAILED
    assert supervise.exit_code_of(TaskProcess(0, exit_code=0), stopped=False) is ExitCode.SUCCESS
