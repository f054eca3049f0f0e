"""Installs Debian packages for missing programs, as root only, without starting their services."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.failure import SmokeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smoke.processes import Programs

POLICY = Path("/usr/sbin/policy-rc.d")
_one_at_a_time = threading.Lock()


def find_program(name: str, folders: Sequence[str] = ()) -> str | None:
    """Return the path of a program, searched in PATH, /usr/sbin and the given folders."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join([*folders, "/usr/sbin", "/sbin"]))


def can_install() -> bool:
    """Return whether this process may install packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(programs: Programs, packages: Sequence[str], why: str) -> None:
    """Install packages without starting their services (policy-rc.d), because the smoke runs its own.

    Raises:
        SmokeError: this process is not root, there is no apt, or apt failed.
    """
    names = " ".join(packages)
    if not can_install():
        raise SmokeError(f"{why}: install {names} (`apt-get install {names}`), or run this as root.")
    with _one_at_a_time:
        entry = None
        if not POLICY.exists():
            entry = programs.journal.add("file", "policy-rc.d", path=str(POLICY), text=None)
            POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
            POLICY.chmod(0o755)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
        command = ["apt-get", "install", *options, "--no-install-recommends", *packages]
        try:
            # Old package lists are the usual cause of a failure. Refreshing them takes seconds, so only do
            # it then.
            try:
                programs.run(command, "apt", env=environment)
            except SmokeError:
                programs.run(["apt-get", "update", *options], "apt", env=environment)
                programs.run(command, "apt", env=environment)
        finally:
            if entry is not None:
                programs.journal.undo(entry)
