"""Runs the tests of AWS calls with the oldest allowed boto3 and with the newest.

``make test-boto3`` calls ``.venv/bin/python tests/boto3_versions.py``. executor/pyproject.toml names the
oldest boto3. It is installed with the botocore of the same version, because pip would choose a newer
botocore and hide what the old one lacks. Everything else is as in tests/requirements/dev.txt. The
environments are kept in the cache folder and made again if their requirements change.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-fargate" / "boto3"
BESIDE = ("apache-airflow", "apache-airflow-providers-standard", "hypothesis", "jmespath", "orjson", "pytest")
"""Other packages that the tests need, in the lock's versions."""
OWN = ("boto3", "botocore", "s3transfer")
"""Packages that come with the chosen boto3 and not from the lock."""
TESTS = (
    "tests/contract/aws/test_every_call.py",
    "tests/scenarios/test_finishing.py",
    "tests/scenarios/test_launching.py",
    "tests/unit/aws/test_ecs.py",
    "tests/unit/aws/test_failures.py",
    "tests/unit/launching/test_launcher.py",
    "tests/unit/launching/test_launcher_cancel.py",
    "tests/unit/launching/test_launcher_payloads.py",
    "tests/unit/launching/test_launcher_unknown.py",
    "tests/unit/tracking/test_listener.py",
    "tests/unit/aws/test_logs.py",
    "tests/unit/tracking/test_reconciler.py",
    "tests/unit/launching/test_request.py",
    "tests/unit/tracking/test_stopper.py",
    "tests/unit/test_testing.py",
    "tests/unit/worker/test_s3.py",
)


def oldest() -> str:
    """Return the oldest boto3 that the package allows."""
    text = (ROOT / "executor" / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'"boto3>=([0-9.]+)"', text)
    if found is None:
        raise SystemExit("executor/pyproject.toml has no lower bound for boto3.")
    return found.group(1)


def pins(lock: str) -> dict[str, str]:
    """Return the versions in a lock by name, with their environment markers."""
    return {
        found.group(1): found.group(0).rstrip(" \\")
        for found in re.finditer(r"^([a-z0-9._-]+)==[^\n]*", lock, re.MULTILINE)
    }


def requirements(boto3: list[str], lock: str) -> tuple[str, str]:
    """Return the requirements and the constraints of an environment."""
    locked = pins(lock)
    wanted = [*boto3, *(locked[name] for name in BESIDE)]
    held = [pin for name, pin in locked.items() if name not in OWN]
    return "\n".join(wanted) + "\n", "\n".join(held) + "\n"


def make(name: str, boto3: list[str]) -> Path:
    """Make an environment if it is missing or stale; return its Python."""
    folder = CACHE / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / "bin" / "python"
    lock = (ROOT / "tests" / "requirements" / "dev.txt").read_text(encoding="utf-8")
    wanted, held = requirements(boto3, lock)
    digest = hashlib.sha256((wanted + held).encode()).hexdigest()
    stamp = folder / "made-of"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return python
    uv = [sys.executable, "-m", "uv", "-q"]
    subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(folder)], check=True)
    for part, text in (("wanted.txt", wanted), ("held.txt", held)):
        (folder / part).write_text(text, encoding="utf-8")
    files = ["-r", str(folder / "wanted.txt"), "-c", str(folder / "held.txt")]
    subprocess.run([*uv, "pip", "install", "--python", str(python), *files], check=True)
    stamp.write_text(digest, encoding="utf-8")
    return python


def main(names: list[str]) -> int:
    """Run the tests with ``oldest``, ``newest`` or, by default, both; return 1 if a run failed."""
    floor, failed = oldest(), 0
    releases = {"oldest": [f"boto3=={floor}", f"botocore=={floor}"], "newest": ["boto3"]}
    for name in names or list(releases):
        python = make(name, releases[name])
        says = "import boto3, botocore; print(boto3.__version__, 'with botocore', botocore.__version__)"
        found = subprocess.run([str(python), "-c", says], check=True, capture_output=True, text=True).stdout
        print(f"boto3 {found.strip()} ({name})", flush=True)
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        # The simulated AWS's answers are newer than the oldest model: see tests/aws_model.py.
        told = {"AWS_MODEL_IS_OLDER": "1"} if name == "oldest" else {}
        done = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, **told})
        failed |= done.returncode
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
