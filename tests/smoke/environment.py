"""Makes the virtual environments from the locks, again only if a lock or the Python changed.

It runs on Python 3.7 and later with only the standard library, so that a Python that is too old gets a
message instead of a traceback. The Makefile calls ``python3 tests/smoke/environment.py [NAME]``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST, NEWEST = (3, 10), (3, 13)
ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements"
OTHERS = ("aws", "celery", "checkov", "docs", "pictures", "release")
VENVS = {"dev": ROOT / ".venv", **{name: ROOT / f".venv-{name}" for name in OTHERS}}


class VenvError(Exception):
    """The environment cannot be made; the message says what to do."""


def check_python(version: tuple[int, ...] = sys.version_info[:2], program: str = sys.executable) -> None:
    """Raise :class:`VenvError` if Airflow does not run on this Python."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        found = ".".join(str(part) for part in version[:2])
        raise VenvError(
            f"{program} is Python {found}, but Airflow needs 3.{OLDEST[1]} to 3.{NEWEST[1]}: choose another, "
            f"such as `make PYTHON=python3.{NEWEST[1]} ...`."
        )


def _interpreter() -> str:
    """Return the Python and the folder; an environment is useless if one of them changes."""
    return f"{sys.version}\n{ROOT}\n"


def _stamp(lock: Path) -> str:
    """Return what an environment is made of; it is stale if this text changes."""
    digest = hashlib.sha256(lock.read_bytes())
    digest.update((ROOT / "executor" / "pyproject.toml").read_bytes())
    return _interpreter() + digest.hexdigest() + "\n"


def _uv_pin(lock: Path) -> str:
    """Return the lock's entry for uv, with its hashes, as a requirements file for pip."""
    found = re.search(r"^uv==(?:[^\n]*\\\n)*[^\n]*\n", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise VenvError(f"{lock.name} does not pin uv: add it to dev.in and run `make lock`.")
    return found.group(0)


def _run(command: list[str]) -> None:
    """Run a command and print its output only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise VenvError(f"`{' '.join(command[:4])} ...` failed with {done.returncode} (its output is above).")


def _make_venv(folder: Path) -> None:
    """Make a virtual environment with nothing but pip."""
    shutil.rmtree(str(folder), ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
    except VenvError:
        shutil.rmtree(str(folder), ignore_errors=True)
        if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
            raise VenvError(
                f"{sys.executable} cannot make virtual environments: install Python's venv module "
                "(`apt-get install python3-venv` on Debian and Ubuntu)."
            ) from None
        _run(["apt-get", "update", "-q"])
        _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "python3-venv"])
        _run([sys.executable, "-m", "venv", str(folder)])


def make(name: str = "dev") -> Path:
    """Make the environment if it is missing or stale, and return its folder.

    Raises:
        VenvError: it cannot be made.
    """
    check_python()
    folder, lock = VENVS[name], REQUIREMENTS / f"{name}.txt"
    stamp = folder / "made-of"
    made_of = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    if made_of == _stamp(lock):
        return folder
    print(f"making {folder.name} from tests/requirements/{lock.name} (once per lock)", flush=True)
    python = str(folder / "bin" / "python")
    uv = [python, "-m", "uv", "-q", "pip"]
    if not made_of.startswith(_interpreter()):
        _make_venv(folder)
        with tempfile.TemporaryDirectory() as scratch:
            pin = Path(scratch) / "uv.txt"
            pin.write_text(_uv_pin(REQUIREMENTS / "dev.txt"), encoding="utf-8")
            _run([python, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", str(pin)])
    _run([*uv, "install", "--python", python, "--require-hashes", "--exact", "-r", str(lock)])
    if name == "dev":
        executor = ["--no-deps", "--no-build-isolation", "-e", str(ROOT / "executor")]
        _run([*uv, "install", "--python", python, *executor])
    stamp.write_text(_stamp(lock), encoding="utf-8")
    return folder


def main(arguments: list[str]) -> int:
    """Make an environment (dev by default); return 0, or print one sentence and return 1."""
    try:
        make(arguments[0] if arguments else "dev")
    except VenvError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
