"""Tasks in real containers of the image, before a stand-in API server on the host's network."""

from __future__ import annotations

import pytest

from airflow_fargate.exit_codes import ExitCode
from unit.worker.execution_api import ExecutionApi
from unit.worker.task_run import TOKEN, run_task

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("task_id", "code"),
    [("ok", ExitCode.SUCCESS), ("fail", ExitCode.TASK_FAILED), ("killed", ExitCode.TASK_KILLED)],
)
def test_the_container_exits_with_the_outcome(container, airflow_version, task_id, code):
    """What became of the task is the container's exit code, and the token is in none of its output."""
    ran = run_task(container, task_id, airflow_version=airflow_version)
    assert ran.exit_code == code, ran.output
    assert TOKEN not in ran.output


def test_any_user_of_group_0_runs_a_task(container, airflow_version):
    """A user that the image does not know, as OpenShift and hardened task definitions give it, is enough."""
    container.options += ("--user", "12345:0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    ran = run_task(container, "ok", airflow_version=airflow_version)
    assert (ran.exit_code, ran.states) == (0, ["success"]), ran.output


@pytest.mark.parametrize("init", [(), ("--init",)])
def test_a_stopped_container_lets_airflow_record_it(container, image, airflow_version, init):
    """SIGTERM to the container reaches on_kill; the retry is recorded; exit 143, with an init or without."""
    container.options += init
    ran = run_task(
        container,
        "long",
        airflow_version=airflow_version,
        api=ExecutionApi(should_retry=True),
        stop=lambda _process: image.kill(container.name, "TERM"),
    )
    assert "on_kill was called" in ran.output
    assert (ran.states, ran.exit_code) == (["up_for_retry"], ExitCode.STOPPED)


def test_a_task_does_not_see_the_token(container, airflow_version):
    """The environment of the task, which user code can print, does not hold the token."""
    ran = run_task(container, "leak", airflow_version=airflow_version)
    assert (ran.exit_code, TOKEN in ran.output) == (0, False)


def test_a_task_killed_for_memory_is_told_as_such(container, airflow_version):
    """The kernel takes the task's process alone: Airflow records it, exit 137, and the last line says why."""
    container.options += ("--memory", "512m", "--memory-swap", "512m")
    ran = run_task(container, "hog", airflow_version=airflow_version)
    assert (ran.states, ran.exit_code) == (["failed"], ExitCode.TASK_KILLED), ran.output
    assert "were killed for memory" in ran.output.splitlines()[-1]


def test_what_the_worker_puts_off_is_there_when_a_task_uses_it(container, airflow_version):
    """SQLAlchemy, Airflow's models and syntax trees are in the image, for a task that asks for them."""
    ran = run_task(container, "uses_what_is_put_off", airflow_version=airflow_version)
    assert (ran.exit_code, "all is there" in ran.output) == (ExitCode.SUCCESS, True), ran.output


def test_another_airflow_release_is_refused(container, airflow_version):
    """A payload from a scheduler of another release line is refused by its own code."""
    ran = run_task(container, "ok", airflow_version="3.99.0")
    assert (ran.exit_code, ran.states) == (ExitCode.PAYLOAD_INVALID, [])
