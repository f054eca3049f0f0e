"""Fixtures of the infrastructure's tests: a copy of ``terraform/``, initialised, and a way to call it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import needs
from terraform import mocks
from terraform.provider_mirror import write_cli_configuration

REPOSITORY = Path(__file__).parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_configure(config: pytest.Config) -> None:
    """Declare this folder's marker."""
    config.addinivalue_line("markers", "apply: applies and destroys against an emulator, in minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the slow tests unless they are asked for: the smoke test applies and destroys in every run."""
    if "apply" in config.getoption("markexpr"):
        return
    for item in items:
        if "apply" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run pytest -m apply"))


@pytest.fixture(scope="session")
def terraform_program() -> str:
    """Return what ``TERRAFORM`` names, else terraform, or OpenTofu where that is what there is."""
    return needs.terraform()


@pytest.fixture(scope="session")
def terraform_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment for Terraform: a provider mirror if there is one, nobody's AWS credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    cache = ("TF_PLUGIN_MIRROR", "TF_PLUGIN_CACHE_DIR")
    kept |= {name: os.environ[name] for name in cache if name in os.environ}
    cli = write_cli_configuration(tmp_path_factory.mktemp("cli") / "terraform.tfrc", os.environ)
    return kept | {
        "TF_CLI_CONFIG_FILE": str(cli),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory, terraform_program: str) -> Path:
    """Return a copy of ``terraform/``, without what Terraform leaves there, as the program can test it."""
    copy = tmp_path_factory.mktemp("infrastructure") / "terraform"
    shutil.copytree(
        REPOSITORY / "terraform",
        copy,
        ignore=shutil.ignore_patterns(
            ".terraform", "*.tfstate*", "*.auto.tfvars.json", ".terraform.lock.hcl", "*_override.tf"
        ),
    )
    if Path(terraform_program).name == "tofu":
        mocks.write_out(copy)
    return copy


@pytest.fixture(scope="session")
def run(terraform_program: str, terraform_environment: dict[str, str]) -> Run:
    """Return a function that runs Terraform in a folder and returns the completed process."""

    def call(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [terraform_program, *arguments],
            cwd=folder,
            env=terraform_environment | more,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def airflow_on_ecs(copied: Path, run: Run) -> Path:
    """Return the root of the complete deployment in the copy, initialised."""
    folder = copied / "airflow_on_ecs"
    done = run(folder, "init", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def infrastructure(copied: Path, run: Run) -> Path:
    """Return the module for tasks in the copy, initialised."""
    done = run(copied, "init", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return copied
