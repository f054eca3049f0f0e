"""The entrypoint as a program: exit codes, messages and imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_fargate.exit_codes import ExitCode

TOKEN = "eyJ-the-token"


def worker(*words, **environment):
    """Run the entrypoint as a container does, without an API server."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "airflow_fargate.worker", *words],
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def document(**changes):
    """Return a payload reference with an inline document."""
    sent = {
        "format": 1,
        "airflow_version": "3.3.2",
        "launch_id": "l",
        "key": "k",
        "workload": {"token": TOKEN},
    }
    return "json:" + json.dumps({**sent, **changes})


def test_importing_it_loads_neither_airflow_nor_boto3():
    """Every container imports the entrypoint, so it imports only the standard library."""
    script = (
        "import sys; import airflow_fargate.worker.entrypoint, airflow_fargate.worker.supervise; "
        "import airflow_fargate.worker.payload, airflow_fargate.worker.stopping; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'airflow', 'boto3', 'botocore', 'httpx', 'pydantic', 'sqlalchemy'}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), ExitCode.BAD_COMMAND),
        (("fargate", "run-workload"), ExitCode.BAD_COMMAND),
        (("fargate", "run-workload", f"file:{TOKEN}"), ExitCode.BAD_COMMAND),
        (("airflow", "fargate", "run-workload", "json:{"), ExitCode.PAYLOAD_INVALID),
        (("fargate", "run-workload", document(format=7)), ExitCode.PAYLOAD_INVALID),
        (("/no/such/program",), ExitCode.BAD_COMMAND),
    ],
)
def test_a_failure_ends_with_one_line_and_its_exit_code(words, code):
    """The line has no token."""
    done = worker(*words)
    assert done.returncode == code
    assert len(done.stdout.splitlines()) == 1
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(("words", "code"), [(("python", "-c", "exit(9)"), 9), (("sh", "-c", "exit 11"), 11)])
def test_a_programs_exit_code_is_the_containers(words, code):
    """Other programs replace the process."""
    assert worker(*words).returncode == code


def test_a_wrong_stop_timeout_is_named():
    """It is rejected before anything runs."""
    done = worker("fargate", "run-workload", document(), AIRFLOW_FARGATE_STOP_TIMEOUT="soon")
    assert done.returncode == ExitCode.CONFIG_MISSING
    assert "AIRFLOW_FARGATE_STOP_TIMEOUT" in done.stdout


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({}, ExitCode.CONFIG_MISSING, "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"),
        ({"airflow_version": "2.11.2"}, ExitCode.PAYLOAD_INVALID, "2.11.2"),
    ],
)
def test_missing_configuration_is_reported(tmp_path, changes, code, said):
    """Without the API server's address, or with another Airflow, nothing runs."""
    done = worker("fargate", "run-workload", document(**changes), AIRFLOW_HOME=str(tmp_path))
    assert (done.returncode, TOKEN in done.stdout + done.stderr) == (code, False)
    assert said in done.stdout.splitlines()[-1]


def test_a_workload_writes_one_stream(tmp_path):
    """Two streams have no common order, and the worker's last line must be the container's last."""
    broken = tmp_path / "airflow" / "__init__.py"
    broken.parent.mkdir()
    broken.write_text("import sys; print('one'); print('two', file=sys.stderr); raise RuntimeError('three')")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = worker("fargate", "run-workload", document(), PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (ExitCode.WORKER_FAILED, "")
    assert {"one", "two"} <= set(done.stdout.splitlines()[:3])
    assert done.stdout.splitlines()[-1] == "RuntimeError: three"


def test_a_missing_module_is_a_failure_of_the_worker(tmp_path):
    """The exit code is Python's 1, not that of a failed task, and the last line names the module."""
    broken = tmp_path / "airflow" / "__init__.py"
    broken.parent.mkdir()
    broken.write_text("import no_such_module")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = worker("fargate", "run-workload", document(), PYTHONPATH=path)
    assert done.returncode == ExitCode.WORKER_FAILED != ExitCode.TASK_FAILED
    assert "no_such_module" in done.stdout.splitlines()[-1]
