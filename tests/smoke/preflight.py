"""Checks before anything is started; each failure is one sentence."""

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
"""Free bytes for images, packages and the virtual environment; a measured run used 1.6 GiB."""
OLDEST_TERRAFORM, OLDEST_FOR_ALL = (1, 7), (1, 11)
"""For your own Airflow, and for the complete deployment, which needs write-only attributes."""


def _first_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def check_disk(settings: Settings) -> None:
    """Raise if a disk that the smoke writes to has too little space."""
    warm = (settings.cache / "engine").is_dir()
    needed = NEEDED_WARM if warm else NEEDED_BARE
    for folder in (settings.cache, settings.state):
        free = shutil.disk_usage(_first_existing(folder)).free
        if free < needed:
            raise SmokeError(
                f"{free / GIB:.1f} GiB are free for {folder}, but the smoke needs {needed / GIB:.0f}: free "
                "some space, or set XDG_CACHE_HOME to a folder on another disk."
            )


def check_ports(settings: Settings) -> None:
    """Raise if a chosen port is in use or chosen twice."""
    taken: dict[int, str] = {}
    for name, port in settings.given_ports.items():
        if port in taken:
            raise SmokeError(
                f"{taken[port]} and {name} are both {port}: choose different ports, or leave one out."
            )
        taken[port] = name
        if port_in_use(port):
            raise SmokeError(
                f"Port {port} ({name}) is in use: free it, choose another one, or leave {name} out."
            )


def find_terraform(environment: Mapping[str, str], oldest: tuple[int, int] = OLDEST_FOR_ALL) -> str:
    """Return the path of Terraform, or of OpenTofu if there is no Terraform; TERRAFORM names another program.

    Args:
        environment: this process's.
        oldest: the oldest release that will do.

    Raises:
        SmokeError: there is none, or it is too old.
    """
    named = environment.get("TERRAFORM", "")
    names = [named] if named else ["terraform", "tofu"]
    program = next((path for path in map(shutil.which, names) if path), None)
    if program is None:
        raise SmokeError(
            f"There is no {' and no '.join(names)} on the PATH: install Terraform "
            f"{'.'.join(map(str, oldest))} or newer."
        )
    version = version_of(program)
    if tuple(int(part) for part in version.split(".")[:2]) < oldest:
        raise SmokeError(f"{program} is Terraform {version}: install {'.'.join(map(str, oldest))} or newer.")
    return program


def preflight(settings: Settings, environment: Mapping[str, str]) -> str:
    """Check everything and return Terraform's path. If it raises, nothing was started."""
    terraform = find_terraform(environment, OLDEST_TERRAFORM if settings.own_airflow else OLDEST_FOR_ALL)
    check_disk(settings)
    check_ports(settings)
    check_engine_can_be_had(environment)
    return terraform
