"""Tasks under Airflow's real supervisor, with a fake API server: the exit code is the outcome."""

from __future__ import annotations

import signal
from importlib.metadata import version

import pytest

from airflow_fargate.exit_codes import ExitCode
from unit.worker.execution_api import ExecutionApi
from unit.worker.task_run import TOKEN, local_worker, run_task, write_dag

AIRFLOW = version("apache-airflow-core")
QUICK = {
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "1",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
}
"""Airflow retries calls to the API server for a minute; here it answers at once or never."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An AIRFLOW_HOME with the DAG."""
    folder = tmp_path_factory.mktemp("airflow")
    write_dag(folder)
    return folder


def run(home, task_id, **arguments):
    """Run a task of the DAG, and check that its output has no token."""
    ran = run_task(local_worker(home), task_id, airflow_version=AIRFLOW, **arguments)
    assert TOKEN not in ran.output
    return ran


@pytest.mark.parametrize(
    ("task_id", "should_retry", "state", "code"),
    [
        ("ok", False, "success", ExitCode.SUCCESS),
        ("skip", False, "skipped", ExitCode.SUCCESS),
        ("later", False, "up_for_reschedule", ExitCode.RESUMES_LATER),
        ("wait", False, "deferred", ExitCode.RESUMES_LATER),
        ("fail", False, "failed", ExitCode.TASK_FAILED),
        ("fail", True, "up_for_retry", ExitCode.TASK_FAILED),
        ("killed", False, "failed", ExitCode.TASK_KILLED),
        ("killed", True, "up_for_retry", ExitCode.TASK_KILLED),
    ],
)
def test_the_exit_code_is_the_outcome(home, task_id, should_retry, state, code):
    """It matches the state that Airflow records."""
    ran = run(home, task_id, api=ExecutionApi(should_retry=should_retry))
    assert (ran.states, ran.exit_code) == ([state], code)
    assert ran.api.tokens == {TOKEN}


def test_deferred_imports_work_when_a_task_uses_them(home):
    """SQLAlchemy, Airflow's models and libcst are imported; tasks still have no database."""
    ran = run(home, "uses_what_is_put_off")
    assert ran.exit_code == ExitCode.SUCCESS, ran.output
    assert "all is there" in ran.output
    assert "no database for tasks" in ran.output


def test_sigterm_reaches_on_kill_and_airflow_records_the_retry(home):
    """The task's on_kill and `finally` blocks run, it is up for retry, and the container exits with 143."""
    ran = run(home, "long", api=ExecutionApi(should_retry=True), stop=lambda p: p.send_signal(signal.SIGTERM))
    assert "on_kill was called" in ran.output
    assert [path.rpartition("/")[2] for _, path, _ in ran.api.calls if "/variables/" in path] == [
        "working",
        "finally",
    ]
    assert (ran.states, ran.exit_code) == (["up_for_retry"], ExitCode.STOPPED)


@pytest.mark.parametrize(("should_retry", "state"), [(True, "up_for_retry"), (False, "failed")])
def test_a_task_that_ignores_sigterm_is_killed_in_time_for_airflow_to_record_it(home, should_retry, state):
    """It continues after each of three signals, and is killed before `stopTimeout` kills the container."""
    ran = run(
        home,
        "stubborn",
        api=ExecutionApi(should_retry=should_retry),
        stop=lambda process: process.send_signal(signal.SIGTERM),
        environment={"AIRFLOW_FARGATE_STOP_TIMEOUT": "2"},
    )
    assert "goes on" in ran.output
    assert "is killed" in ran.output
    assert (ran.states, ran.exit_code) == ([state], ExitCode.STOPPED)


@pytest.mark.parametrize("should_retry", [True, False])
@pytest.mark.parametrize("status", [404, 409])
def test_a_task_that_airflow_ends_is_not_a_failure(home, status, should_retry):
    """If the API server rejects a heartbeat, on_kill runs, no state is reported, and the exit code is 82."""
    api = ExecutionApi(should_retry=should_retry)
    ending = {"/heartbeat": status, "/state": status}
    ran = run(
        home,
        "obedient",
        api=api,
        stop=lambda _: [api.reject(*each) for each in ending.items()],
        environment=QUICK,
    )
    assert "on_kill was called" in ran.output
    assert ran.exit_code == ExitCode.ENDED_BY_AIRFLOW, ran.output


def test_a_task_that_ignores_airflows_end_is_killed_and_not_a_failure(home):
    """The supervisor kills it after a few seconds, and the exit code is 82, not 137."""
    api = ExecutionApi(should_retry=True)
    ran = run(home, "stubborn", api=api, stop=lambda _: api.reject("/heartbeat", 409), environment=QUICK)
    assert ran.exit_code == ExitCode.ENDED_BY_AIRFLOW
    assert set(ran.states) <= {"server_terminated"}  # 3.4 confirms with this state


@pytest.mark.parametrize(
    ("task_id", "should_retry", "state", "code"),
    [
        ("ok", False, "restarting", ExitCode.ENDED_BY_AIRFLOW),
        ("skip", False, "restarting", ExitCode.ENDED_BY_AIRFLOW),
        ("fail", False, "restarting", ExitCode.ENDED_BY_AIRFLOW),
        ("fail", True, "restarting", ExitCode.ENDED_BY_AIRFLOW),
        ("killed", True, "restarting", ExitCode.ENDED_BY_AIRFLOW),
        ("later", False, "queued", ExitCode.RESUMES_LATER),
    ],
)
def test_a_task_cleared_just_before_its_end_is_not_a_failure(home, task_id, should_retry, state, code):
    """The API server rejects its outcome, and Airflow's decision counts."""
    api = ExecutionApi(should_retry=should_retry)
    api.state = state
    api.reject("/state", 409)
    assert run(home, task_id, api=api, environment=QUICK).exit_code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, ExitCode.TOKEN_REJECTED), (403, ExitCode.TOKEN_REJECTED), (409, ExitCode.TRY_REJECTED)],
)
def test_a_rejected_start_ends_at_once(home, status, code):
    """If the API server rejects the start, nothing runs, and the last line has the reason."""
    api = ExecutionApi()
    api.state = "success"
    api.reject("/run", status)
    ran = run(home, "ok", api=api, environment=QUICK)
    assert (ran.exit_code, ran.states) == (code, [])
    assert str(status) in ran.output.splitlines()[-1]
    assert "first line" not in ran.output


def test_an_api_server_that_does_not_answer_has_its_own_code(home):
    """The exit code is API_UNREACHABLE, and the message has the address."""
    address = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:9/execution/"}
    ran = run(home, "ok", environment={**QUICK, **address})
    assert ran.exit_code == ExitCode.API_UNREACHABLE
    assert "http://127.0.0.1:9/execution/" in ran.output.splitlines()[-1]


def test_a_task_survives_an_outage_as_long_as_configured(home):
    """The configured retries reach Airflow's client, which then makes more than its five attempts."""
    api = ExecutionApi()
    for ending in ("/run", "/state"):
        api.reject(ending, 503, times=8)
    patient = {
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "60",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MIN": "0",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "0.1",
    }
    ran = run(home, "ok", api=api, environment=patient)
    assert (ran.exit_code, api.times) == (ExitCode.SUCCESS, {"/run": 0, "/state": 0}), ran.output


def test_an_outcome_that_cannot_be_recorded_is_not_a_success(home):
    """If the API server is down when the task ends, the message has the task's state, too."""
    api = ExecutionApi()
    api.reject("/state", 503)
    ran = run(home, "skip", api=api, environment=QUICK)
    assert ran.exit_code == ExitCode.API_UNREACHABLE
    assert "ended as skipped" in ran.output
