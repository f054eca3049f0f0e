"""What can be known to fail before anything is started: each with its sentence."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from smoke.engine import check_engine_can_be_had
from smoke.failure import SmokeError
from smoke.settings import port_in_use
from smoke.terraform import version_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smoke.settings import Settings

GIB = 1 << 30
NEEDED_BARE, NEEDED_WARM = 4 * GIB, 2 * GIB
"""Bytes free for images, packages and virtual environment: 1.6 GiB were used when measured."""
OLDEST_TERRAFORM = (1, 7)


def _first_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def check_disk(settings: Settings) -> None:
    """Raise when a disk that the smoke writes to has too little room."""
    warm = (settings.cache / "engine").is_dir()
    needed = NEEDED_WARM if warm else NEEDED_BARE
    for folder in (settings.cache, settings.state):
        free = shutil.disk_usage(_first_existing(folder)).free
        if free < needed:
            raise SmokeError(
                f"{free / GIB:.1f} GiB are free for {folder}, and the smoke needs {needed / GIB:.0f}: make "
                "room, or set XDG_CACHE_HOME to a folder on another disk."
            )


def check_ports(settings: Settings) -> None:
    """Raise when a port that was asked for is taken, or asked for twice."""
    taken: dict[int, str] = {}
    for name, port in settings.given_ports.items():
        if port in taken:
            raise SmokeError(f"{taken[port]} and {name} are both {port}: give two, or leave one out.")
        taken[port] = name
        if port_in_use(port):
            raise SmokeError(f"Port {port} ({name}) is in use: free it, give another, or leave {name} out.")


def find_terraform(environment: Mapping[str, str]) -> str:
    """Return Terraform's path (OpenTofu's where only that is there); TERRAFORM names another program.

    Raises:
        SmokeError: there is none, or it is too old.
    """
    named = environment.get("TERRAFORM", "")
    names = [named] if named else ["terraform", "tofu"]
    program = next((path for path in map(shutil.which, names) if path), None)
    if program is None:
        raise SmokeError(
            f"There is no {' and no '.join(names)} on the PATH: install Terraform "
            f"{'.'.join(map(str, OLDEST_TERRAFORM))} or newer."
        )
    version = version_of(program)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_TERRAFORM:
        raise SmokeError(
            f"{program} is Terraform {version}: install {'.'.join(map(str, OLDEST_TERRAFORM))} or newer."
        )
    return program


def preflight(settings: Settings, environment: Mapping[str, str]) -> str:
    """Check everything and return Terraform's path; nothing was started when it raises."""
    terraform = find_terraform(environment)
    check_disk(settings)
    check_ports(settings)
    check_engine_can_be_had(environment)
    return terraform
