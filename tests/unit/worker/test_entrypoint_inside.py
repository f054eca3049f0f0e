"""The entrypoint's rare exits, tested in this process."""

from __future__ import annotations

import argparse
import gc
import json
from types import SimpleNamespace

import pytest

from airflow_fargate.cli import run_workload
from airflow_fargate.clock import SystemClock
from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker import entrypoint, local_task_job, stopping, supervise
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.s3 import S3Store

TOKEN = "eyJ-the-token"
REFERENCE = "json:" + json.dumps(
    {"format": 1, "airflow_version": "3.3.2", "launch_id": "l", "key": "k", "workload": {"token": TOKEN}}
)
LOCAL = ["airflow", "tasks", "run", "d", "t", "r", "--local"]


@pytest.fixture(autouse=True)
def this_process(monkeypatch):
    """Keep this process's signals, output and garbage collection unchanged."""
    monkeypatch.setattr(stopping, "TaskStop", lambda **_: SimpleNamespace())
    monkeypatch.setattr(entrypoint, "join_streams", lambda: None)
    yield
    gc.enable()


def raising(error):
    """Return a function that raises this exception."""

    def function(*_):
        raise error

    return function


def test_an_internal_error_is_printed_without_the_token(monkeypatch, capsys):
    """The log has the traceback, and the exit code means that the worker failed."""
    monkeypatch.setattr(supervise, "run_payload", raising(RuntimeError(f"odd: {TOKEN}")))
    assert entrypoint.run(["fargate", "run-workload", REFERENCE]) == ExitCode.WORKER_FAILED
    said = capsys.readouterr().out
    assert "RuntimeError: odd: ***" in said
    assert TOKEN not in said


def test_the_command_for_other_images_runs_the_workload(monkeypatch):
    """``airflow fargate run-workload REF`` returns the worker's exit code."""
    monkeypatch.setattr(supervise, "run_payload", lambda *_: ExitCode.STOPPED)
    assert run_workload.main(argparse.Namespace(reference=REFERENCE)) == ExitCode.STOPPED


@pytest.mark.parametrize(
    ("run_local", "code"),
    [
        (lambda *_: ExitCode.SUCCESS, ExitCode.SUCCESS),
        (raising(WorkerError(ExitCode.API_UNREACHABLE, "No database.")), ExitCode.API_UNREACHABLE),
        (raising(RuntimeError("odd")), ExitCode.WORKER_FAILED),
    ],
)
def test_airflow_2s_task_sets_the_exit_code(monkeypatch, capsys, run_local, code):
    """Each outcome and each failure has its code."""
    monkeypatch.setattr(local_task_job, "run_local", run_local)
    assert entrypoint.run(LOCAL) == code
    assert (capsys.readouterr().out == "") == (code == ExitCode.SUCCESS)


def test_an_unknown_command_goes_to_airflows_cli(monkeypatch):
    """Airflow's CLI prints the error."""
    executed = []
    monkeypatch.setattr(local_task_job, "run_local", lambda *_: None)
    monkeypatch.setattr(entrypoint, "execute", executed.append)
    entrypoint.run(LOCAL)
    assert executed[0][1:] == ("-m", "airflow", *LOCAL[1:])


def test_a_payload_in_s3_is_fetched_with_the_containers_own_credentials(monkeypatch):
    """The client is made when it is needed, and retries, because the role's credentials may be late."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = entrypoint._s3()
    assert isinstance(store, S3Store)
    assert store._client.meta.config.retries["total_max_attempts"] == 6


def test_a_stop_before_the_task_exits_at_once(monkeypatch):
    """With its own exit code."""
    left = []
    monkeypatch.setattr(entrypoint.os, "_exit", left.append)
    entrypoint.leave_stopped()
    assert left == [ExitCode.STOPPED]


def test_the_clock_is_the_systems():
    """Monotonic seconds, and seconds since the epoch."""
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.time() > 1_700_000_000
