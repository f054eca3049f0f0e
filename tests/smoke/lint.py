"""Every linter at once; what fails prints its output.

``python -m smoke.lint TERRAFORM TYPED_PATH...``

Runs in ``.venv``. Terraform's part needs the program and is left out, with a word, where there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from smoke import environment
from smoke.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sys.executable).parent


def _run(command: list[str], cwd: Path = ROOT, **variables: str) -> str:
    """Return the command's output when it failed, else nothing."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout or f"exit code {done.returncode}"


def terraform_validate(program: str) -> str:
    """Initialise a copy without a backend and validate it, so that the work tree stays as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "terraform"
        shutil.copytree(
            ROOT / "terraform",
            copy,
            ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "*.auto.tfvars.json"),
        )
        configuration = str(Path(scratch) / "terraform.rc")
        mirror = str(ROOT / "tests" / "terraform" / "provider_mirror.py")
        return (
            _run([sys.executable, mirror, configuration])
            or _run(
                [program, "init", "-backend=false", "-input=false", "-no-color"],
                copy,
                TF_CLI_CONFIG_FILE=configuration,
            )
            or _run([program, "validate", "-no-color"], copy, TF_CLI_CONFIG_FILE=configuration)
        )


def tflint() -> str:
    """Fetch the rule sets that terraform/.tflint.hcl names, and look at every module."""
    folder = ROOT / "terraform"
    configuration = f"--config={folder / '.tflint.hcl'}"
    return _run(["tflint", "--init", configuration], folder) or _run(
        ["tflint", "--recursive", configuration], folder
    )


def checkov() -> str:
    """Scan terraform/ in checkov's own environment."""
    try:
        program = environment.make("checkov") / "bin" / "checkov"
    except environment.VenvError as error:
        return str(error)
    what = ["--directory", str(ROOT / "terraform"), "--framework", "terraform", "--skip-path", "tests/"]
    return _run([str(program), *what, "--quiet", "--compact", "--skip-download"])


def main(arguments: list[str]) -> int:
    """Run all; 0 when all are content."""
    terraform, *typed = arguments
    ruff = str(BIN / "ruff")
    python = ["executor", "tests", "worker_image", "terraform"]
    dockerfiles = [*ROOT.glob("worker_image/**/Dockerfile"), *ROOT.glob("tests/image/bases/*.Dockerfile")]
    linters: dict[str, Callable[[], str]] = {
        "ruff check": lambda: _run([ruff, "check", "-q", *python]),
        "ruff format": lambda: _run([ruff, "format", "-q", "--check", *python]),
        "mypy": lambda: _run([str(BIN / "mypy"), "--exclude", "/dags/", *typed]),
        "hadolint": lambda: _run([str(BIN / "hadolint"), *map(str, dockerfiles)]),
        "checkov": checkov,
    }
    if shutil.which(terraform):
        linters["terraform fmt"] = lambda: _run([terraform, "fmt", "-check", "-recursive", "terraform"])
        linters["terraform validate"] = lambda: terraform_validate(terraform)
    else:
        print("terraform fmt and validate were left out: there is no Terraform on the PATH.")
    if shutil.which("tflint"):
        linters["tflint"] = tflint
    begun = time.monotonic()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        running = {name: pool.submit(act) for name, act in linters.items()}
        complaints = {name: task.result() for name, task in running.items()}
    for name, complaint in complaints.items():
        if complaint:
            print(f"{name}:\n{complaint}")
    failed = [name for name, complaint in complaints.items() if complaint]
    took = time.monotonic() - begun
    print(
        f"lint: {', '.join(failed)} complain" if failed else f"lint: {', '.join(linters)} ok in {took:.0f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
