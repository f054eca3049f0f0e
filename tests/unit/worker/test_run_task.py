"""Tasks under Airflow's real supervisor, before a stand-in API server: the outcome is the exit code."""

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
"""Airflow's own patience with an API server is a minute; here it answers at once or not at all."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An AIRFLOW_HOME with the DAG in it."""
    folder = tmp_path_factory.mktemp("airflow")
    write_dag(folder)
    return folder


def run(home, task_id, **arguments):
    """Run a task of the DAG and check what holds for every run: no token in what it wrote."""
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
def test_the_container_tells_how_the_task_ended(home, task_id, should_retry, state, code):
    """Airflow records the state, and the exit code says the same."""
    ran = run(home, task_id, api=ExecutionApi(should_retry=should_retry))
    assert (ran.states, ran.exit_code) == ([state], code)
    assert ran.api.tokens == {TOKEN}


def test_what_the_worker_puts_off_is_there_when_a_task_uses_it(home):
    """SQLAlchemy, Airflow's models and the syntax trees, for a task that asks for them; still no database."""
    ran = run(home, "uses_what_is_put_off")
    assert ran.exit_code == ExitCode.SUCCESS, ran.output
    assert "all is there" in ran.output
    assert "no database for tasks" in ran.output


def test_sigterm_reaches_on_kill_and_airflow_records_the_retry(home):
    """A stopped container's task gets on_kill, leaves its `finally` blocks, and is up for retry; exit 143."""
    ran = run(home, "long", api=ExecutionApi(should_retry=True), stop=lambda p: p.send_signal(signal.SIGTERM))
    assert "on_kill was called" in ran.output
    assert [path.rpartition("/")[2] for _, path, _ in ran.api.calls if "/variables/" in path] == [
        "working",
        "finally",
    ]
    assert (ran.states, ran.exit_code) == (["up_for_retry"], ExitCode.STOPPED)


@pytest.mark.parametrize(("should_retry", "state"), [(True, "up_for_retry"), (False, "failed")])
def test_a_task_that_ignores_sigterm_is_killed_in_time_for_airflow_to_record_it(home, should_retry, state):
    """It goes on after each of three tellings, and is killed before `stopTimeout` kills everything."""
    ran = run(
        home,
        "stubborn",
        api=ExecutionApi(should_retry=should_retry),
        stop=lambda process: process.send_signal(signal.SIGTERM),
        environment={"AIRFLOW_FARGATE_STOP_TIMEOUT": "2"},
    )
    assert "goes on" in ran.output
    assert "it is killed" in ran.output
    assert (ran.states, ran.exit_code) == ([state], ExitCode.STOPPED)


@pytest.mark.parametrize("should_retry", [True, False])
@pytest.mark.parametrize("status", [404, 409])
def test_a_task_that_airflow_ends_is_no_failure(home, status, should_retry):
    """At a heartbeat the API server says that the task is not wanted: on_kill, exit 82, no state reported."""
    api = ExecutionApi(should_retry=should_retry)
    ending = {"/heartbeat": status, "/state": status}
    ran = run(
        home,
        "obedient",
        api=api,
        stop=lambda _: [api.refuse(*each) for each in ending.items()],
        environment=QUICK,
    )
    assert "on_kill was called" in ran.output
    assert ran.exit_code == ExitCode.ENDED_BY_AIRFLOW, ran.output


def test_a_task_that_ignores_airflows_end_is_killed_and_is_no_failure(home):
    """It goes on, so the supervisor kills it after a few seconds: 82 all the same, and not 137."""
    api = ExecutionApi(should_retry=True)
    ran = run(home, "stubborn", api=api, stop=lambda _: api.refuse("/heartbeat", 409), environment=QUICK)
    assert ran.exit_code == ExitCode.ENDED_BY_AIRFLOW
    assert set(ran.states) <= {"server_terminated"}  # which 3.4 acknowledges by


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
def test_a_task_that_airflow_ended_just_before_its_end_is_no_failure(
    home, task_id, should_retry, state, code
):
    """The outcome is rejected before any heartbeat is: what Airflow decided stands."""
    api = ExecutionApi(should_retry=should_retry)
    api.state = state
    api.refuse("/state", 409)
    assert run(home, task_id, api=api, environment=QUICK).exit_code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, ExitCode.TOKEN_REFUSED), (403, ExitCode.TOKEN_REFUSED), (409, ExitCode.TRY_REFUSED)],
)
def test_a_refused_start_ends_at_once(home, status, code):
    """When the API server does not let the task start, nothing runs, and one line says why."""
    api = ExecutionApi()
    api.state = "success"
    api.refuse("/run", status)
    ran = run(home, "ok", api=api, environment=QUICK)
    assert (ran.exit_code, ran.states) == (code, [])
    assert str(status) in ran.output.splitlines()[-1]
    assert "first line" not in ran.output


def test_an_api_server_that_does_not_answer_has_its_own_code(home):
    """Nothing listens at the address: API_UNREACHABLE, and the address is in the sentence."""
    address = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:9/execution/"}
    ran = run(home, "ok", environment={**QUICK, **address})
    assert ran.exit_code == ExitCode.API_UNREACHABLE
    assert "http://127.0.0.1:9/execution/" in ran.output.splitlines()[-1]


def test_a_task_outlasts_an_api_server_that_is_away_for_as_long_as_it_is_told(home):
    """The settings of the deployment reach Airflow's client: more attempts than its own five, each quick."""
    api = ExecutionApi()
    for ending in ("/run", "/state"):
        api.refuse(ending, 503, times=8)
    patient = {
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "60",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MIN": "0",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "0.1",
    }
    ran = run(home, "ok", api=api, environment=patient)
    assert (ran.exit_code, api.times) == (ExitCode.SUCCESS, {"/run": 0, "/state": 0}), ran.output


def test_an_outcome_that_cannot_be_recorded_is_not_a_success(home):
    """A task that ended while the API server was gone says both: how it ended, and that nobody knows."""
    api = ExecutionApi()
    api.refuse("/state", 503)
    ran = run(home, "skip", api=api, environment=QUICK)
    assert ran.exit_code == ExitCode.API_UNREACHABLE
    assert "ended as skipped" in ran.output
