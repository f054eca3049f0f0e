"""Finds a mirror of Terraform providers on this machine, so that ``terraform init`` needs no network.

Terraform by itself looks into its implied mirror directories and otherwise downloads. A machine without a way
out may hold a mirror elsewhere. Searched, first hit wins:

1. the directory that ``TF_PLUGIN_MIRROR`` names;
2. Terraform's implied mirror directories;
3. any directory named ``registry.terraform.io`` on the local file systems.

A directory counts when it holds ``hashicorp/aws``. With a hit, a CLI configuration is written that takes that
provider from the mirror and downloads any other; without one, everything is left to Terraform.

As a program: ``python3 provider_mirror.py FILE`` writes the configuration and prints its path, to be used as
``TF_CLI_CONFIG_FILE``. Standard library only: the smoke test runs it before anything is installed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REGISTRY = "registry.terraform.io"
WANTED = ("hashicorp", "aws")

# Not on a disk of this machine, or never a place for programs.
_UNSEARCHED = frozenset({"/proc", "/sys", "/dev", "/run", "/tmp"})  # noqa: S108
_DEEPEST = 6


def implied_directories(environment: Mapping[str, str]) -> list[Path]:
    """Return the directories that Terraform searches by itself (Linux and macOS), most particular first."""
    home = Path(environment.get("HOME", "/"))
    data_home = Path(environment.get("XDG_DATA_HOME", str(home / ".local/share")))
    data_dirs = environment.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
    return [
        home / ".terraform.d/plugins",
        data_home / "terraform/plugins",
        home / "Library/Application Support/io.terraform/plugins",
        *(Path(directory) / "terraform/plugins" for directory in data_dirs if directory),
    ]


def holds_wanted(mirror: Path) -> bool:
    """Tell whether ``mirror`` has at least one version of the provider that this project needs."""
    provider = mirror.joinpath(REGISTRY, *WANTED)
    try:
        return any(provider.iterdir())
    except OSError:
        return False


def search(roots: Sequence[Path], deepest: int = _DEEPEST) -> Iterator[Path]:
    """Yield every directory below ``roots`` that has a ``registry.terraform.io``, shallow ones first.

    Stays on the file systems of the roots, follows no links, and goes ``deepest`` levels down.
    """
    level = [root for root in roots if root.is_dir()]
    device = {root: root.stat().st_dev for root in level}
    origin = {root: root for root in level}
    for _ in range(deepest):
        below: list[Path] = []
        for directory in level:
            try:
                entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False) or entry.path in _UNSEARCHED:
                    continue
                if entry.name == REGISTRY:
                    yield directory
                    continue
                path = Path(entry.path)
                if entry.stat(follow_symlinks=False).st_dev != device[origin[directory]]:
                    continue
                origin[path] = origin[directory]
                below.append(path)
        level = below


def find_mirror(environment: Mapping[str, str], roots: Sequence[Path] = (Path("/"),)) -> Path | None:
    """Return the mirror directory to use, or None where Terraform should go its normal way.

    Raises:
        FileNotFoundError: ``TF_PLUGIN_MIRROR`` is set to a directory without the provider.
    """
    named = environment.get("TF_PLUGIN_MIRROR")
    if named:
        if not holds_wanted(Path(named)):
            raise FileNotFoundError(
                f"TF_PLUGIN_MIRROR={named} has no {REGISTRY}/{'/'.join(WANTED)}: name a directory made by "
                "'terraform providers mirror', or unset it.",
            )
        return Path(named)
    for directory in implied_directories(environment):
        if holds_wanted(directory):
            return directory
    return next((directory for directory in search(roots) if holds_wanted(directory)), None)


def cli_configuration(mirror: Path | None) -> str:
    """Return the text of a Terraform CLI configuration that uses ``mirror``, and downloads what it lacks."""
    if mirror is None:
        return "# No provider mirror was found: Terraform downloads what it needs.\n"
    # Without the exclusion Terraform would ask the registry for newer versions as well.
    held = json.dumps([f"{REGISTRY}/{'/'.join(WANTED)}"])
    path = json.dumps(str(mirror))
    return (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path    = {path}\n    include = {held}\n  }}\n"
        f"  direct {{\n    exclude = {held}\n  }}\n"
        "}\n"
    )


def write_cli_configuration(file: Path, environment: Mapping[str, str]) -> Path:
    """Write the CLI configuration to ``file`` and return it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(cli_configuration(find_mirror(environment)), encoding="utf-8")
    return file


def main(arguments: Sequence[str]) -> int:
    """Write the configuration to the file named and print its absolute path."""
    if len(arguments) != 1:
        sys.stderr.write("usage: provider_mirror.py FILE\n")
        return 2
    try:
        file = write_cli_configuration(Path(arguments[0]).absolute(), os.environ)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
