"""The contract suite on every supported Airflow: ``nox`` runs all releases, ``nox -s contract-2.11.2`` one.

uv makes an environment per release in ``.nox`` from ``tests/requirements/airflow-<release>.txt``, again if
that lock changes. To add a release, add its ``.in`` file there and run ``make lock``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import nox

ROOT = Path(__file__).parent
REQUIREMENTS = ROOT / "tests" / "requirements"
NEWEST_PYTHON = {"2.11": (3, 12), "3.0": (3, 12)}
"""The newest Python of a release, if it is older than the newest Python that we support."""

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"


def releases() -> list[str]:
    """Return the releases that have requirements, oldest first."""
    found = [file.stem.removeprefix("airflow-") for file in REQUIREMENTS.glob("airflow-*.in")]
    return sorted(found, key=lambda release: [int(number) for number in re.findall(r"\d+", release)])


def python_for(release: str) -> str | None:
    """Return the Python for a release, or None for the one that runs nox."""
    newest = NEWEST_PYTHON.get(".".join(release.split(".")[:2]))
    if newest is None or sys.version_info[:2] <= newest:
        return None
    return f"{newest[0]}.{newest[1]}"


def contract(session: nox.Session, release: str) -> None:
    """Install the release and run the contract suite on it; arguments after ``--`` go to pytest."""
    lock = REQUIREMENTS / f"airflow-{release}.txt"
    folder = Path(session.virtualenv.location)
    made_of = folder / "made-of"
    wanted = hashlib.sha256(
        lock.read_bytes() + (ROOT / "executor" / "pyproject.toml").read_bytes()
    ).hexdigest()
    if not made_of.is_file() or made_of.read_text() != wanted:
        session.install("--require-hashes", "--exact", "-r", str(lock))
        session.install("--no-deps", "--no-build-isolation", "-e", str(ROOT / "executor"))
        made_of.write_text(wanted)
    home = Path(session.create_tmp()).resolve() / "airflow"
    shutil.rmtree(home, ignore_errors=True)
    results = ROOT / ".nox" / f"results-{release}.json"
    session.run(
        "python",
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", *(session.posargs or ["tests/contract/airflow"])),
        env={
            "AIRFLOW_HOME": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CONTRACT_RESULTS": "" if session.posargs else str(results),
        },
    )
    if not session.posargs and "SUPPORT" not in os.environ:
        session.run("python", str(ROOT / "tests" / "support_table.py"), "check", str(results))


for each in releases():
    nox.session(partial(contract, release=each), name=f"contract-{each}", python=python_for(each))
