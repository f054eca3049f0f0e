"""What every example's README says is done against an emulator; then it is planned again and destroyed.

All at once, in one account: nearly all of their time is the provider's own waiting.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_fargate.settings import options
from terraform import emulator, plan_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

TERRAFORM = Path(__file__).parents[2] / "terraform"
README = TERRAFORM.parent / "README.md"
QUICK_START = "quick start"
EXAMPLES = sorted(folder.name for folder in (TERRAFORM / "examples").iterdir() if folder.is_dir())


@dataclass(frozen=True)
class Outcome:
    """What the commands of one example gave.

    Args:
        failure: the command that failed and its output; empty when none did.
        output: what they all printed.
    """

    failure: str
    output: str


def commands(example: str) -> list[str]:
    """Return the shell commands of the example's README."""
    readme = (TERRAFORM / "examples" / example / "README.md").read_text(encoding="utf-8")
    return "".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)).splitlines()


def quick_start() -> list[str]:
    """Return the shell commands under "Bring your own Airflow" that need nothing but Terraform."""
    text = README.read_text(encoding="utf-8").partition("## Bring your own Airflow")[2]
    lines = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    # The second apply is the same line again: a second plan is every example's business.
    return list(dict.fromkeys(line for line in lines if line.startswith(("export ", "terraform "))))


def prepare(example: str, copied: Path, folder: Path) -> Path:
    """Copy the infrastructure with what the local cloud needs; return where the README's commands run."""
    left_out = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "tests")
    shutil.copytree(copied, folder, ignore=left_out)
    workplace = folder / "examples" / example
    shutil.copy(Path(__file__).with_name("local_override.tf"), workplace)
    return workplace


def run_commands(words: Sequence[str], workplace: Path, environment: dict[str, str]) -> Outcome:
    """Run commands one after the other; stop at the first that fails."""
    printed = ""
    for command in words:
        shell = ["sh", "-c", command]
        done = subprocess.run(
            shell, cwd=workplace, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return Outcome(f"{command}\n{done.stdout}{done.stderr}", printed)
        printed += done.stdout
    return Outcome("", printed)


def run_all(
    copied: Path, folder: Path, environment: dict[str, str], url: str, *more: str
) -> dict[str, Outcome]:
    """Run the commands of every example, then ``more``; at once, for nearly all of their time is waiting."""

    def act(example: str) -> Outcome:
        workplace = prepare(example, copied, folder / example)
        # Several deployments in one account: each needs a name of its own.
        own = {"TF_VAR_name": example.replace("_", "-"), "AWS_ENDPOINT_URL": url}
        return run_commands([*commands(example), *more], workplace, environment | own)

    def follow_the_readme() -> Outcome:
        root = folder / "repository"
        prepare("complete", copied, root / "terraform")
        # One shell: what the README exports holds for the lines after it.
        script = "\n".join(
            ["set -e", *quick_start(), "cat fargate.cfg", "cd terraform/examples/complete", *more]
        )
        own = {"TF_VAR_name": "quick-start", "AWS_ENDPOINT_URL": url}
        return run_commands([script], root, environment | own)

    with ThreadPoolExecutor(max_workers=len(EXAMPLES) + 1) as pool:
        first = pool.submit(follow_the_readme)
        outcomes = dict(zip(EXAMPLES, pool.map(act, EXAMPLES), strict=True))
        return outcomes | {QUICK_START: first.result()}


@pytest.fixture(scope="module")
def shell_environment(terraform_program: str, terraform_environment: dict[str, str]) -> dict[str, str]:
    """Return the environment in which ``terraform`` asks nothing."""
    program = Path(terraform_program)
    if program.name != "terraform":
        pytest.skip("the READMEs say terraform, and there is only OpenTofu")
    path = f"{program.parent}{os.pathsep}{terraform_environment['PATH']}"
    return terraform_environment | {
        "PATH": path,
        "TF_CLI_ARGS": "-no-color",
        "TF_CLI_ARGS_apply": "-auto-approve -parallelism=40",
        "TF_CLI_ARGS_destroy": "-auto-approve -parallelism=40",
    }


@pytest.fixture(scope="module")
def applied(
    copied: Path, tmp_path_factory: pytest.TempPathFactory, shell_environment: dict[str, str]
) -> tuple[dict[str, Outcome], dict[str, list[str]]]:
    """Return what commands, a second plan and destroy give, and what is left in the account then."""
    folder = tmp_path_factory.mktemp("applied")
    with emulator.moto(folder / "moto.log") as url:
        judge = f"terraform show -json second.tfplan | {sys.executable} {plan_differences.__file__}"
        again = ("terraform plan -out=second.tfplan", judge, "terraform destroy")
        outcomes = run_all(copied, folder, shell_environment, url, *again)
        return outcomes, emulator.left_over(url)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_readme_shows_how_to_get_the_configuration(example: str) -> None:
    """Every README goes from init to the finished configuration."""
    words = commands(example)

    assert words[0] == "terraform init"
    assert "terraform output -raw airflow_cfg" in words


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_root(example: str) -> None:
    """It has the provider and its versions, a README, and no file of variables to be given by name."""
    names = {file.name for file in (TERRAFORM / "examples" / example).iterdir()}

    assert {"main.tf", "versions.tf", "outputs.tf", "README.md"} <= names
    assert not any(name.endswith(".tfvars") for name in names)


Applied = tuple[dict[str, Outcome], dict[str, list[str]]]


@pytest.mark.parametrize("example", [*EXAMPLES, QUICK_START])
def test_the_readme_s_commands_work(example: str, applied: Applied) -> None:
    """Done word for word, the commands end with a configuration; a second plan has no changes."""
    outcome = applied[0][example]

    assert outcome.failure == ""
    assert re.search(r"Plan: \d+ to add, 0 to change, 0 to destroy", outcome.output)
    assert "executor = airflow_fargate.FargateExecutor" in outcome.output


def test_they_come_and_go_in_one_account(applied: Applied) -> None:
    """Names do not collide, and destroy leaves nothing."""
    assert applied[1] == {}


def test_minimal_is_aip_29_to_the_letter(applied: Applied) -> None:
    """The minimal example sets the keys that AIP-29 proposed, all of them and no others."""
    section = re.search(r"^\[fargate\]\n((?:\w+ =.*\n)+)", applied[0]["minimal"].output, re.MULTILINE)
    assert section

    keys = re.findall(r"^(\w+) =", section[1], re.MULTILINE)

    assert set(keys) == {option.name for option in options.OPTIONS if option.aip29}
