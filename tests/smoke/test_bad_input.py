"""A user's mistake prints one sentence, exits with an error, and starts nothing.

Every test runs the smoke as ``make smoke`` does, in an environment that was changed before.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from smoke.settings import ROOT

RUN = "import runpy, sys; sys.argv = ['smoke', *sys.argv[1:]]; runpy.run_module('smoke', run_name='__main__')"


@pytest.fixture
def world(tmp_path: Path) -> dict[str, str]:
    """An environment with its own cache, and a Terraform that only prints its version."""
    programs = tmp_path / "bin"
    programs.mkdir()
    _program(programs / "terraform", 'echo \'{"terraform_version": "1.11.4"}\'')
    return {
        "PATH": str(programs),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT / "tests"),
        "DOCKER_HOST": f"unix://{tmp_path}/nothing.sock",
    }


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def _smoke(world: dict[str, str], *command: str, doctored: str = "") -> subprocess.CompletedProcess[str]:
    """Run the smoke in the world; ``doctored`` is Python code that runs before it."""
    return _run(world, f"{doctored}\n{RUN}", *(command or ("up",)))


def _run(world: dict[str, str], program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=world,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def _assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def _assert_nothing_started(world: dict[str, str]) -> None:
    assert not (Path(world["XDG_CACHE_HOME"]) / "airflow-fargate" / "up.jsonl").exists()


def test_no_engine_and_not_root(world: dict[str, str]) -> None:
    """Without an engine and without root, the error says to start Docker or to become root."""
    done = _smoke(world, doctored="import os; os.geteuid = lambda: 1000")
    _assert_one_sentence(done, "No container engine answers", "start Docker", "as root")
    _assert_nothing_started(world)


def test_an_engine_on_another_machine(world: dict[str, str]) -> None:
    """An engine on another machine is rejected, because its containers could not call Airflow here."""
    done = _smoke({**world, "DOCKER_HOST": "tcp://build.internal:2376"})
    _assert_one_sentence(done, "tcp://build.internal:2376", "unix://")
    _assert_nothing_started(world)


def test_make_test_goes_on_without_an_engine(world: dict[str, str]) -> None:
    """Without an engine, ``make test`` skips the smoke, says so, and does not fail."""
    doctored = "import os; os.geteuid = lambda: 1000"
    done = _smoke(world, "up", "--if-possible", doctored=doctored)
    assert done.returncode == 0
    assert "Skipped" in done.stdout
    _assert_nothing_started(world)


def test_no_terraform(world: dict[str, str]) -> None:
    """Without Terraform, the error says which version to install."""
    (Path(world["PATH"]) / "terraform").unlink()
    _assert_one_sentence(_smoke(world), "no terraform", "install Terraform 1.11")
    _assert_nothing_started(world)


def test_an_old_terraform(world: dict[str, str]) -> None:
    """If Terraform is too old, the error has its version and the oldest that works."""
    _program(Path(world["PATH"]) / "terraform", 'echo \'{"terraform_version": "1.5.7"}\'')
    _assert_one_sentence(_smoke(world), "1.5.7", "1.11 or newer")
    _assert_nothing_started(world)


def test_no_disk(world: dict[str, str]) -> None:
    """On a full disk, the error says how much is free, how much is needed, and how to use another disk."""
    doctored = "import shutil; shutil.disk_usage = lambda path: type('Usage', (), {'free': 1 << 29})"
    done = _smoke(world, doctored=doctored)
    _assert_one_sentence(done, "0.5 GiB are free", "needs 4", "XDG_CACHE_HOME")
    _assert_nothing_started(world)


@pytest.mark.parametrize("name", ["AIRFLOW_PORT", "CLOUD_PORT", "REGISTRY_PORT", "POSTGRES_PORT"])
def test_a_port_in_use(world: dict[str, str], name: str) -> None:
    """If a chosen port is in use, the error has its number and its variable."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _smoke({**world, name: str(port)})
    _assert_one_sentence(done, f"Port {port} ({name}) is in use")
    _assert_nothing_started(world)


def test_one_port_for_two(world: dict[str, str]) -> None:
    """The same port for two services is rejected before anything starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    done = _smoke({**world, "AIRFLOW_PORT": port, "CLOUD_PORT": port})
    _assert_one_sentence(done, "AIRFLOW_PORT and CLOUD_PORT")


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("DB", "mysql", "postgres"),
        ("KEEP", "maybe", "0 or 1"),
        ("FAULTS", "yes", "0 or 1"),
        ("AIRFLOW_PORT", "http", "1 to 65535"),
        ("CLOUD_PORT", "70000", "65535"),
        ("AIRFLOW", "2.10.5", "use one of 2.11.2, 3."),
    ],
)
def test_a_wrong_choice(world: dict[str, str], variable: str, value: str, allowed: str) -> None:
    """An invalid value is rejected; the error has the value and the valid ones."""
    done = _smoke({**world, "OWN_AIRFLOW": "1", variable: value})
    _assert_one_sentence(done, f"{variable}={value}", allowed)
    _assert_nothing_started(world)


def test_a_database_for_a_deployment_that_has_its_own(world: dict[str, str]) -> None:
    """The complete deployment always has PostgreSQL."""
    _assert_one_sentence(_smoke({**world, "DB": "sqlite"}), "DB needs OWN_AIRFLOW=1")
    _assert_nothing_started(world)


def test_a_database_that_containers_cannot_open(world: dict[str, str]) -> None:
    """SQLite is rejected with Airflow 2, whose tasks open the database; the error says what to do."""
    done = _smoke({**world, "AIRFLOW": "2.11.2", "DB": "sqlite"})
    _assert_one_sentence(done, "DB=sqlite", "Airflow 2.11.2", "leave DB out")
    _assert_nothing_started(world)


@pytest.mark.parametrize("version", ["(3, 9, 2)", "(3, 14, 0)"])
def test_a_python_that_airflow_does_not_run_on(world: dict[str, str], version: str) -> None:
    """`make venv` rejects a Python that is too old or too new before it makes anything."""
    program = f"import runpy, sys; sys.version_info = {version}; sys.argv = ['environment.py']; "
    program += "runpy.run_path('tests/smoke/environment.py', run_name='__main__')"
    done = _run(world, program)
    _assert_one_sentence(done, "3.10 to 3.13", "make PYTHON=")


def test_a_smoke_while_another_runs(world: dict[str, str]) -> None:
    """If another smoke runs on the machine, the error has its process."""
    cache = Path(world["XDG_CACHE_HOME"]) / "airflow-fargate"
    cache.mkdir(parents=True)
    hold = (
        "import fcntl, os; file = open(os.environ['XDG_CACHE_HOME'] + '/airflow-fargate/lock', 'a+'); "
        "file.write('process 4711, in /there'); file.flush(); fcntl.flock(file, fcntl.LOCK_EX); "
        "print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold], env=world, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = _smoke(world, "down")
    finally:
        holder.communicate("\n")
    _assert_one_sentence(done, "Another smoke is running", "process 4711, in /there")


def test_nothing_to_take_down(world: dict[str, str]) -> None:
    """Taking down nothing succeeds."""
    done = _smoke(world, "down")
    assert done.returncode == 0
    assert done.stdout == "No smoke is running.\n"


def test_an_unknown_command(world: dict[str, str]) -> None:
    """An unknown command prints the list of commands."""
    done = _smoke(world, "sideways")
    assert done.returncode == 2
    assert "up | down | cloud" in done.stderr
