"""What some tests need of the machine. Each need is stated once, with the way to get it.

A test is skipped only if its need cannot be met here at all. If it could be (PostgreSQL as root on Debian, an
engine that ``make test-engine`` has started) and is not, the test fails: `make test` never passes without it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from smoke.journal import Journal
from smoke.postgres import install_postgres, obtainable
from smoke.processes import Programs


def postgres() -> None:
    """Have PostgreSQL's programs on this machine; skip where they cannot be installed."""
    if not obtainable():
        pytest.skip("PostgreSQL is needed: install Debian's postgresql, or run the tests as root on Debian")
    with tempfile.TemporaryDirectory(prefix="airflow-fargate-needs-") as name:
        folder = Path(name)
        install_postgres(Programs(Journal(folder / "up.jsonl"), folder, {}, threading.Event()))


def root(why: str) -> None:
    """Be root; skip where the tests are not."""
    if os.geteuid() != 0:
        pytest.skip(f"root is needed, {why}: run the tests as root")


def bridge_here(name: str) -> None:
    """Have the containers' bridge on this machine; skip if the engine runs on another one.

    A database of the local cloud is a process of this machine with an address on that bridge. ``make
    test-engine`` starts its engine here, so there it is never skipped.
    """
    if not Path("/sys/class/net", name).exists():
        pytest.skip(f"The bridge {name} is needed here: run the tests on the container engine's machine")


def terraform() -> str:
    """Return Terraform's or OpenTofu's path: what ``TERRAFORM`` names, else the first on the PATH."""
    named = os.environ.get("TERRAFORM")
    program = shutil.which(named) if named else shutil.which("terraform") or shutil.which("tofu")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Terraform is not installed, and CI must not pass without it")
        pytest.skip("Terraform or OpenTofu is needed: install one, or set TERRAFORM")
    return program


def engine_failed(error: Exception) -> NoReturn:
    """Say that a container engine does not work: an error if one was promised, else a reason to skip."""
    if os.environ.get("DOCKER_HOST"):
        raise error
    pytest.skip(f"A container engine is needed: `make test-engine` starts one. {error}")
