"""What every command works with: a folder of Terraform, AWS's clients, and a person at the terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from terraform.commands.programs import CommandError, Terraform
from terraform.commands.settings import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_client(region: str | None) -> Callable[[str], Any]:
    """Return what makes boto3's clients."""
    import boto3  # noqa: PLC0415  programs and settings are checked first

    return lambda service: boto3.client(service, region_name=region)


@dataclass
class Context:
    """See the module.

    Args:
        terraform: Terraform in the deployment's folder.
        clients: returns what makes AWS's clients in a region; None is the environment's region.
        ask: asks a person and returns the answer.
        say: prints a line.
        now: seconds on a clock that only goes forward.
        sleep: waits for some seconds.
    """

    terraform: Any = field(default_factory=lambda: Terraform(COMPLETE))
    clients: Callable[[str | None], Callable[[str], Any]] = make_client
    ask: Callable[[str], str] = input
    say: Callable[[str], None] = say
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def folder(self) -> Path:
        """The folder that is applied."""
        folder: Path = self.terraform.folder
        return folder

    def outputs(self) -> Mapping[str, Any]:
        """Return the outputs of the deployment.

        Raises:
            CommandError: there is none.
        """
        outputs: Mapping[str, Any] = self.terraform.outputs()
        if not outputs.get("cluster_name"):
            raise CommandError(f"nothing is deployed from {self.folder}: run make up first.")
        return outputs
