"""Airflow 2's `tasks run --local`: the job's end as an exit code. tests/image runs the real job."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.local_task_job import JobEnd, exit_code_of, observed_jobs, run_local


class Record:
    """A task instance whose state is known once it was read from the database."""

    def __init__(self, state):
        self.state, self._stored = "running", state

    def refresh_from_db(self):
        self.state = self._stored


def runner(*codes, rc=None, state="success"):
    """Return a stand-in for Airflow's job runner whose job deals with these exit codes, in this order."""

    class Runner:
        handled: tuple[int, ...] = ()

        def __init__(self):
            self.task_runner = SimpleNamespace(_rc=rc)
            self.task_instance = Record(state)

        def _execute(self):
            for code in codes:
                self.handle_task_exit(code)

        def handle_task_exit(self, return_code):
            self.handled += (return_code,)

    return Runner


def ended(kind):
    """Run a job of this runner class while it is observed; return the end and the runner."""
    with observed_jobs(kind) as end:
        job = kind()
        job._execute()
    return end, job


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, ExitCode.SUCCESS),
        (100, ExitCode.RESUMES_LATER),
        (1, ExitCode.TASK_FAILED),
        (2, ExitCode.TASK_FAILED),
        (-signal.SIGKILL, ExitCode.TASK_KILLED),
        (-signal.SIGSEGV, ExitCode.TASK_FAILED),
        (-signal.SIGTERM, ExitCode.STOPPED),
        (128 + signal.SIGTERM, ExitCode.STOPPED),
        (None, ExitCode.ENDED_BY_AIRFLOW),
    ],
)
def test_each_end_of_a_job_has_its_exit_code(code, expected):
    """Every end has the code that it has in Airflow 3."""
    assert exit_code_of(JobEnd(code, began=True)) == expected


def test_a_task_that_did_not_begin_was_refused():
    """Airflow may find that the try is not wanted; the exit code says so, not success."""
    end, _ = ended(runner())
    with pytest.raises(WorkerError) as refused:
        exit_code_of(end)
    assert refused.value.code == ExitCode.TRY_REJECTED


def test_a_task_that_airflow_ended_itself_is_no_failure():
    """If its state was changed in the database, the job kills the task without dealing with an exit code."""
    end, _ = ended(runner(rc=-signal.SIGTERM))
    assert exit_code_of(end) == ExitCode.ENDED_BY_AIRFLOW


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("success", ExitCode.SUCCESS),
        ("skipped", ExitCode.SUCCESS),
        ("up_for_reschedule", ExitCode.RESUMES_LATER),
        ("scheduled", ExitCode.RESUMES_LATER),
        ("queued", ExitCode.RESUMES_LATER),
    ],
)
def test_a_rescheduled_sensor_resumes_later(state, expected):
    """Its process ends with 0, as a success does; the database tells them apart."""
    end, _ = ended(runner(0, state=state))
    assert exit_code_of(end) == expected


def test_a_late_sigterm_does_not_turn_a_success_into_a_stop():
    """The first exit code counts; Airflow's own handling sees every one."""
    end, job = ended(runner(0, 143))
    assert (exit_code_of(end), job.handled) == (ExitCode.SUCCESS, (0, 143))


def test_airflow_is_as_it_was_afterwards():
    """Observing leaves nothing behind in Airflow's class, also when the job raises."""
    kind = runner()
    before = (kind._execute, kind.handle_task_exit)
    with pytest.raises(KeyError), observed_jobs(kind):
        raise KeyError
    assert (kind._execute, kind.handle_task_exit) == before


def test_the_task_s_log_goes_to_standard_output_too(monkeypatch):
    """CloudWatch has it then, while the task runs and when nothing is left to upload it."""
    monkeypatch.setenv("AIRFLOW_IS_EXECUTOR_CONTAINER", "")
    monkeypatch.delenv("AIRFLOW_IS_EXECUTOR_CONTAINER")
    assert run_local(["tasks", "run", "d", "t", "r", "--local"], 30) is None  # this Airflow has no such job
    assert os.environ["AIRFLOW_IS_EXECUTOR_CONTAINER"] == "true"
