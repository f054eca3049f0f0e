"""``airflow`` with our package installed: its own commands, and ours."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def airflow(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the CLI; return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "airflow", *words],
        env=os.environ | {"AIRFLOW_HOME": str(home)} | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.point("`airflow fargate doctor --help`")
def test_airflow_has_our_commands(tmp_path: Path) -> None:
    """The executor vends them to Airflow's own CLI."""
    done = airflow("fargate", "doctor", "--help", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sage: airflow fargate doctor" in done.stdout


@pytest.mark.point("`airflow db migrate` and `airflow db check`")
def test_the_database_is_made_and_checked(tmp_path: Path) -> None:
    """With the executor configured and its package installed."""
    database = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db"}
    made = airflow("db", "migrate", home=tmp_path, **database)
    assert made.returncode == 0, made.stderr
    checked = airflow("db", "check", home=tmp_path, **database)
    assert checked.returncode == 0, checked.stderr
    assert "FargateExecutor" not in checked.stderr


@pytest.mark.point("an unsupported Airflow stops at import, with a message that names the range")
@pytest.mark.parametrize("other", ["2.10.5", "3.5.0"])
def test_another_airflow_stops_at_import(tmp_path: Path, other: str) -> None:
    """Where the loader imports the executor; the installed release's number is the only thing changed."""
    program = (
        "import importlib.metadata as m\n"
        "real = m.version\n"
        f"m.version = lambda name: {other!r} if name == 'apache-airflow' else real(name)\n"
        "try:\n"
        "    from airflow_fargate import FargateExecutor\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert f"airflow-fargate supports Airflow 2.11 to 3.4; Airflow {other} is installed." in done.stdout
    assert version("apache-airflow") != other
