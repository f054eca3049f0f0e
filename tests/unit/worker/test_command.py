"""The container's command: every form the executor and people use."""

from __future__ import annotations

import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.command import Execute, RunLocally, RunWorkload, parse_command
from airflow_fargate.worker.errors import WorkerError

PYTHON = "/venv/bin/python"


@pytest.mark.parametrize("lead", [(), ("airflow",)])
def test_runs_a_workload_with_or_without_the_leading_airflow(lead):
    """Both forms of `fargate run-workload REF` mean the same."""
    command = parse_command([*lead, "fargate", "run-workload", "s3://b/k"], python=PYTHON)
    assert command == RunWorkload("s3://b/k")


@pytest.mark.parametrize("lead", [(), ("airflow",)])
@pytest.mark.parametrize(
    "words",
    [("tasks", "run", "d", "t", "r"), ("tasks", "list", "--local"), ("version",), ("fargate", "doctor")],
)
def test_passes_airflow_commands_on_to_airflows_cli(lead, words):
    """Any other airflow subcommand goes to Airflow's own CLI, unchanged."""
    assert parse_command([*lead, *words], python=PYTHON) == Execute((PYTHON, "-m", "airflow", *words))


@pytest.mark.parametrize("lead", [(), ("airflow",)])
@pytest.mark.parametrize("option", ["--local", "-l"])
def test_runs_a_task_of_airflow_2_itself(lead, option):
    """`tasks run --local` is run by the worker, which knows the outcome that Airflow 2's CLI drops."""
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
def test_runs_programs_as_they_are(words, argv):
    """Programs are executed; `python` is the worker's own interpreter."""
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
def test_refuses_a_command_it_cannot_run(words):
    """A missing, option-like or ill-formed command ends with BAD_COMMAND."""
    with pytest.raises(WorkerError) as caught:
        parse_command(words, python=PYTHON)
    assert caught.value.code is ExitCode.BAD_COMMAND


def test_never_quotes_a_reference():
    """A reference can hold the token, so no message repeats it."""
    with pytest.raises(WorkerError) as caught:
        parse_command(["fargate", "run-workload", "json:{SECRET}", "json:{SECRET}"], python=PYTHON)
    assert "SECRET" not in str(caught.value)
