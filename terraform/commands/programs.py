"""The programs that the commands need: whether they are there, and Terraform's runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

TERRAFORM = "terraform"
NEEDED = {
    "docker": "https://docs.docker.com/engine/install",
    TERRAFORM: "https://developer.hashicorp.com/terraform/install, or OpenTofu",
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html",
}
OLDEST_TERRAFORM = (1, 11)
LOOK_SECONDS = 10.0


class CommandError(Exception):
    """The command cannot go on; the text says why and what to do."""


def find(name: str) -> str | None:
    """Return where a program is; TERRAFORM of the environment wins, and OpenTofu serves as well."""
    if name == TERRAFORM:
        return os.environ.get("TERRAFORM") or shutil.which("terraform") or shutil.which("tofu")
    return shutil.which(name)


def check(*names: str) -> None:
    """Check that programs are there and of use.

    Raises:
        CommandError: names everything that is missing, and where to get it.
    """
    missing = [f"  {name}: {NEEDED[name]}" for name in names if find(name) is None]
    if missing:
        raise CommandError(
            "\n".join(["these programs are missing; install them and run it again:", *missing])
        )
    if "docker" in names and not output("docker", "version", "--format", "{{.Server.Version}}"):
        raise CommandError("docker is installed, but no engine answers: start it, or set DOCKER_HOST.")
    if TERRAFORM in names:
        said = json.loads(output(str(find(TERRAFORM)), "version", "-json") or "{}").get(
            "terraform_version", ""
        )
        release = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
        if release and release < OLDEST_TERRAFORM:
            raise CommandError(f"Terraform {said} is too old: install 1.11 or later.")


def output(*command: str) -> str:
    """Return what a program prints; empty if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""


class Terraform:
    """Terraform in one folder.

    Args:
        folder: the root module.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *arguments: str) -> list[str]:
        """Return the command line.

        Raises:
            CommandError: Terraform is not installed.
        """
        program = find(TERRAFORM)
        if program is None:
            raise CommandError(f"terraform is not installed: {NEEDED[TERRAFORM]}")
        return [program, f"-chdir={self.folder}", *arguments]

    def outputs(self) -> dict[str, Any]:
        """Return the outputs by name; empty before the first apply."""
        # Not -raw: without any outputs that prints a warning and exits 0.
        text = output(*self.command("output", "-json"))
        return {name: each["value"] for name, each in json.loads(text or "{}").items()}

    def variables(self, *names: str) -> dict[str, Any]:
        """Return the values that input variables have, from defaults and all .tfvars files.

        Raises:
            CommandError: Terraform cannot tell.
        """
        fields = ", ".join(f"{name} = var.{name}" for name in names)
        done = subprocess.run(  # noqa: S603
            self.command("console"),
            input=f"jsonencode({{{fields}}})\n",
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            found: dict[str, Any] = json.loads(json.loads(done.stdout))
        except ValueError:
            raise CommandError(f"terraform cannot read its variables:\n{done.stderr.strip()}") from None
        return found

    def run(self, *arguments: str, watch: Callable[[], bool] | None = None) -> None:
        """Run Terraform with its own output.

        Args:
            arguments: the subcommand and its options.
            watch: called every few seconds; False interrupts Terraform, which then saves what it has made.

        Raises:
            CommandError: it failed.
        """
        process = subprocess.Popen(self.command(*arguments))  # noqa: S603
        try:
            code = self._wait(process, watch)
        except KeyboardInterrupt:
            process.wait()  # the terminal has interrupted it as well: it saves its state first
            raise
        if code:
            raise CommandError(
                f"terraform {arguments[0]} failed with exit code {code}: its lines above say why."
            )

    def _wait(self, process: subprocess.Popen[bytes], watch: Callable[[], bool] | None) -> int:
        while watch is not None:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if not watch():
                    process.send_signal(signal.SIGTERM)  # as Ctrl-C; a background job ignores SIGINT
                    break
        return process.wait()


def run(command: Sequence[str], **environment: str) -> int:
    """Run a program with its own input and output; return its exit code."""
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode  # noqa: S603
