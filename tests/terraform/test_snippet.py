"""The README's third step where nothing else is installed: install the package, paste the snippet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from terraform.conftest import REPOSITORY
from terraform.mocks import mock_provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from terraform.conftest import Run

    Airflow = Callable[..., subprocess.CompletedProcess[str]]

LOCK = REPOSITORY / "tests" / "requirements" / "airflow-3.3.2.txt"
APPLY = """
variables {
  execution_api_server_url = "https://airflow.example.com/execution/"
}

run "apply" {}
"""
"""The README's own apply."""


@pytest.fixture(scope="module")
def snippet(infrastructure: Path, run: Run) -> str:
    """Return what `terraform output -raw airflow_cfg` prints after an apply; AWS's answers are mocked."""
    once = infrastructure / "snippet.tftest.hcl"
    once.write_text(mock_provider(infrastructure) + APPLY, encoding="utf-8")
    try:
        done = run(infrastructure, "test", "-no-color", "-json", "-verbose", f"-filter={once.name}")
    finally:
        once.unlink()
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    states = [message["test_state"] for message in messages if message["type"] == "test_state"]
    assert states, done.stdout + done.stderr
    return str(states[0]["outputs"]["airflow_cfg"]["value"])


@pytest.fixture(scope="module")
def airflow(snippet: str, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Return a caller of `airflow` in a new environment that has the package and the snippet, and no more."""
    folder = tmp_path_factory.mktemp("clean")
    venv, home, pins = folder / "venv", folder / "home", folder / "pins.txt"
    # Versions without hashes: a lock's hashes would make pip ask for one of the package itself.
    locked = re.findall(r"^[\w.-]+==[^\n\\]*", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    pins.write_text("\n".join(locked), encoding="utf-8")
    home.mkdir()
    (home / "airflow.cfg").write_text(snippet, encoding="utf-8")
    uv = [sys.executable, "-m", "uv", "-q"]
    install = ["pip", "install", "--python", str(venv), "-c", str(pins), "-b", str(pins)]
    for command in (
        ["venv", "--python", sys.executable, str(venv)],
        [*install, str(REPOSITORY / "executor")],
    ):
        done = subprocess.run([*uv, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    own = ("AIRFLOW", "AWS_", "_AIRFLOW", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environment |= {"AIRFLOW_HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true", "NO_COLOR": "1"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(venv / "bin" / "airflow"), *words],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return call


def test_airflow_starts_with_the_snippet_that_terraform_writes(airflow: Airflow) -> None:
    """The package brings what its own configuration needs: the amazon provider, for the logs in S3."""
    done = airflow("version")
    assert (done.returncode, done.stdout.strip()) == (0, "3.3.2"), done.stderr


def test_airflow_lists_what_the_snippet_says(airflow: Airflow) -> None:
    """The section as Terraform filled it in, and the logs' place."""
    done = airflow("config", "list", "--show-values")
    assert done.returncode == 0, done.stderr
    assert "task_definition = airflow-worker" in done.stdout
    assert "remote_base_log_folder = s3://" in done.stdout


def test_the_doctor_speaks_before_anything_else_is_set_up(airflow: Airflow) -> None:
    """Without credentials it says that they are missing; no traceback."""
    done = airflow("fargate", "doctor")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "credentials" in done.stdout + done.stderr
