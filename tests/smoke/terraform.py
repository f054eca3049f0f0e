"""Runs Terraform on a copy of ``terraform/`` that calls the local cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke.failure import SmokeError
from smoke.processes import last_lines
from smoke.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smoke.processes import Programs
    from smoke.settings import Settings

TESTS = ROOT / "tests" / "terraform"


@dataclass(frozen=True)
class Terraform:
    """One working copy.

    Args:
        programs: runs Terraform.
        program: its path.
        folder: the copy.
        cli_configuration: Terraform's CLI configuration, which finds the providers.
    """

    programs: Programs
    program: str
    folder: Path
    cli_configuration: Path

    def _environment(self, cloud: Mapping[str, str]) -> dict[str, str]:
        return {
            **cloud,
            "TF_CLI_CONFIG_FILE": str(self.cli_configuration),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }

    def override(self, text: str) -> None:
        """Add to the module's inputs; ``text`` is an override file in Terraform's JSON."""
        (self.folder / "smoke_override.tf.json").write_text(text, encoding="utf-8")

    def init(self) -> None:
        """Run terraform init, which needs no local cloud."""
        self.programs.run(
            [self.program, "init", "-no-color"],
            "terraform-init",
            env=self._environment(os.environ),
            cwd=self.folder,
        )

    def apply(self, cloud: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run terraform apply and return the outputs by name."""
        text = json.dumps(variables, indent=2)
        (self.folder / "smoke.auto.tfvars.json").write_text(text, encoding="utf-8")
        command = [self.program, "apply", "-no-color", "-auto-approve", "-parallelism=40"]
        self.programs.run(
            command, "terraform-apply", env=self._environment(cloud), cwd=self.folder, timeout=900
        )
        done = subprocess.run(
            [self.program, "output", "-json"],
            cwd=self.folder,
            env=self._environment(cloud),
            capture_output=True,
            text=True,
            check=True,
        )
        return {name: output["value"] for name, output in json.loads(done.stdout).items()}

    def unknown_changes_of_second_plan(self, cloud: Mapping[str, str]) -> tuple[str, ...]:
        """Plan again, and return the changes that are not known differences of the local cloud."""
        environment = self._environment(cloud)
        command = [self.program, "plan", "-no-color", "-out=second.tfplan", "-parallelism=40"]
        self.programs.run(command, "terraform-second-plan", env=environment, cwd=self.folder)
        shown = subprocess.run(
            [self.program, "show", "-json", "second.tfplan"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            check=True,
        )
        judged = subprocess.run(
            [sys.executable, str(TESTS / "plan_differences.py")],
            input=shown.stdout,
            capture_output=True,
            check=False,
        )
        wrong = judged.stdout.decode().splitlines()
        if judged.returncode and not wrong:
            raise SmokeError(f"plan_differences.py failed: {judged.stderr.decode().strip()}")
        return tuple(wrong)

    def destroy(self, cloud: Mapping[str, str]) -> None:
        """Run terraform destroy."""
        command = [self.program, "destroy", "-no-color", "-auto-approve", "-parallelism=40"]
        self.programs.run(
            command, "terraform-destroy", env=self._environment(cloud), cwd=self.folder, timeout=900
        )


def copy_configuration(programs: Programs, settings: Settings, program: str) -> Terraform:
    """Copy ``terraform/``, add what the local cloud needs, and find the providers.

    The smoke applies ``examples/complete``, as the README does.
    """
    copy = settings.state / "terraform"
    # Leave out the state and the image of a real deployment.
    left_out = (".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.auto.tfvars.json", "tests")
    ignored = shutil.ignore_patterns(*left_out)
    shutil.copytree(ROOT / "terraform", copy, ignore=ignored)
    folder = copy / "examples" / "complete"
    shutil.copy(TESTS / "local_override.tf", folder)
    configuration = settings.state / "terraform.rc"
    script = str(TESTS / "provider_mirror.py")
    done = subprocess.run(
        [sys.executable, script, str(configuration)], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise SmokeError(done.stderr.strip() or f"{script} failed.")
    return Terraform(programs, program, folder, configuration)


def variables(airflow: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the inputs of the smoke's deployment; ``airflow`` has those that depend on the release."""
    return {
        "name": "smoke",
        "region": environment["AWS_REGION"],
        "force_destroy": True,
        **airflow,
    }


def version_of(program: str) -> str:
    """Return Terraform's version."""
    done = subprocess.run(
        [program, "version", "-json"], capture_output=True, text=True, check=False, timeout=60
    )
    try:
        return str(json.loads(done.stdout)["terraform_version"])
    except (ValueError, KeyError):
        raise SmokeError(
            f"{program} does not print its version: {done.stderr.strip() or last_lines(Path())}"
        ) from None
