"""Parsing the container's command, in every form."""

from __future__ import annotations

import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.command import Execute, RunLocally, RunWorkload, parse_command
from airflow_fargate.worker.errors import WorkerError

PYTHON = "/venv/bin/python"


@pytest.mark.parametrize("lead", [(), ("airflow",)])
def test_a_workload_runs_with_or_without_the_leading_airflow(lead):
    """Both forms of `fargate run-workload REF` mean the same."""
    command = parse_command([*lead, "fargate", "run-workload", "s3://b/k"], python=PYTHON)
    assert command == RunWorkload("s3://b/k")


@pytest.mark.parametrize("lead", [(), ("airflow",)])
@pytest.mark.parametrize(
    "words",
    [("tasks", "run", "d", "t", "r"), ("tasks", "list", "--local"), ("version",), ("fargate", "doctor")],
)
def test_other_airflow_commands_go_to_airflows_cli(lead, words):
    """They are unchanged."""
    assert parse_command([*lead, *words], python=PYTHON) == Execute((PYTHON, "-m", "airflow", *words))


@pytest.mark.parametrize("lead", [(), ("airflow",)])
@pytest.mark.parametrize("option", ["--local", "-l"])
def test_a_task_of_airflow_2_runs_in_the_worker(lead, option):
    """The worker knows the outcome, which Airflow 2's CLI drops."""
    words = ("tasks", "run", "d", "t", "r", option, "--subdir", "DAGS_FOLDER/d.py")
    assert parse_command([*lead, *words], python=PYTHON) == RunLocally(words)


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        (("python", "-c", "pass"), (PYTHON, "-c", "pass")),
        (("bash", "-c", "true"), ("bash", "-c", "true")),
        (("sh",), ("sh",)),
        (("/bin/echo", "hi"), ("/bin/echo", "hi")),
    ],
)
def test_programs_are_executed(words, argv):
    """`python` is the worker's own interpreter."""
    assert parse_command(words, python=PYTHON) == Execute(argv)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--help",),
        ("fargate", "run-workload"),
        ("airflow", "fargate", "run-workload", ""),
        ("fargate", "run-workload", "s3://b/k", "extra"),
    ],
)
def test_a_wrong_command_is_rejected(words):
    """A missing command or one that begins with an option ends with BAD_COMMAND."""
    with pytest.raises(WorkerError) as caught:
        parse_command(words, python=PYTHON)
    assert caught.value.code is ExitCode.BAD_COMMAND


def test_no_message_quotes_a_reference():
    """A reference can hold the token."""
    with pytest.raises(WorkerError) as caught:
        parse_command(["fargate", "run-workload", "json:{SECRET}", "json:{SECRET}"], python=PYTHON)
    assert "SECRET" not in str(caught.value)
