"""The base of the worker image: the Dockerfile's default, or a Debian made here."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.apt import can_install, find_program, install
from smoke.failure import SmokeError
from smoke.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from smoke.engine import Engine
    from smoke.processes import Programs
    from smoke.settings import Settings

DOCKERFILE = ROOT / "worker_image" / "Dockerfile"
FALLBACK = "airflow-fargate/debian-python:bookworm"
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
FIRST_WORD = 15.0
"""Seconds to wait for the registry's answer about the image."""


def default_base(dockerfile: Path = DOCKERFILE) -> str:
    """Return the default of the Dockerfile's BASE_IMAGE argument."""
    found = re.search(r"^ARG BASE_IMAGE=\"?([^\s\"]+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SmokeError(f"{dockerfile} has no line `ARG BASE_IMAGE=...` with the default base.")
    return found.group(1)


def ensure_base(programs: Programs, settings: Settings, engine: Engine, note: Callable[[str], None]) -> str:
    """Return a base that the engine has: BASE_IMAGE, the release's public image, or the fallback.

    Raises:
        SmokeError: BASE_IMAGE cannot be pulled, or there is no base at all.
    """
    wanted = settings.base_image or settings.release.base_image or default_base()
    if engine.ask("image", "inspect", wanted) is not None or _pull(programs, engine, wanted):
        note(wanted)
        return wanted
    if settings.base_image:
        raise SmokeError(f"Cannot pull BASE_IMAGE={wanted}: correct the name, or leave it out.")
    if engine.ask("image", "inspect", FALLBACK) is None:
        note(f"cannot pull {wanted}: making Debian {SUITE} with debootstrap")
        archive = settings.cache / f"debian-{SUITE}.tar"
        if not archive.is_file():
            _make_archive(programs, archive)
        programs.run([engine.client, "import", str(archive), FALLBACK], "base-image", env=engine.environment)
    note(f"Debian {SUITE}, because {wanted} cannot be pulled")
    return FALLBACK


def _pull(programs: Programs, engine: Engine, image: str) -> bool:
    """Pull the image; return False if its registry does not answer or does not have it."""
    log = programs.logs / "pull.log"
    begun, silent = time.monotonic(), log.stat().st_size if log.is_file() else 0

    def no_word_yet() -> str:
        said = log.stat().st_size - silent > len(image) + 40
        return "" if said or time.monotonic() - begun < FIRST_WORD else "The registry does not answer."

    try:
        programs.run([engine.client, "pull", image], "pull", env=engine.environment, give_up=no_word_yet)
    except SmokeError:
        if programs.stop.is_set():
            raise
        return False
    return True


def _debian_mirror() -> list[str]:
    """Return the machine's Debian mirror, if it has one: debootstrap can use what apt uses."""
    lists = Path("/etc/apt")
    for path in (lists / "sources.list", lists / "sources.list.d" / "debian.sources"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        found = re.search(r"^(?:URIs:|deb)\s+(?:\[[^]]*\]\s*)?(http\S*/debian)/?\s", text, re.MULTILINE)
        if found is not None:
            return [found.group(1)]
    return []


def _make_archive(programs: Programs, archive: Path) -> None:
    """Make a tar archive of the fallback's file system; needs root."""
    if not can_install():
        raise SmokeError(
            "Cannot pull the base image, and only root can make one: set BASE_IMAGE=... to a Python image "
            "that the engine has, or run this as root."
        )
    if find_program("debootstrap") is None:
        install(programs, ["debootstrap", "debian-archive-keyring"], "A base image has to be made")
    tree = archive.with_suffix(".tree")
    entry = programs.journal.add("folder", "the base image's tree", path=str(tree))
    programs.journal.undo(entry)  # left by an interrupted run
    entry = programs.journal.add("folder", "the base image's tree", path=str(tree))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        SUITE,
        str(tree),
        *_debian_mirror(),
    ]
    try:
        programs.run(command, "base-image", env=environment)
        unneeded = ["./var/cache/apt", "./var/lib/apt/lists", "./usr/share/doc", "./usr/share/man", "./dev"]
        scratch = archive.with_suffix(".part")
        exclude = [f"--exclude={path}/*" for path in unneeded]
        programs.run(["tar", "-C", str(tree), *exclude, "-cf", str(scratch), "."], "base-image")
        scratch.replace(archive)
    finally:
        programs.journal.undo(entry)
