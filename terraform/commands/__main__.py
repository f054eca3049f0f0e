"""Usage: python -m terraform.commands up | open | password | dags | destroy [NAME=VALUE...].

The Makefile's targets of these names say which settings there are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from terraform.commands import access
from terraform.commands.context import Context
from terraform.commands.images import DeploymentImages
from terraform.commands.programs import CommandError, Terraform
from terraform.commands.settings import COMPLETE, read_settings
from terraform.commands.up import INPUTS, up
from terraform.destroy import main as destroy
from worker_image import build, images
from worker_image.build import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = {"TERRAFORM_DIR": str(COMPLETE)}
SETTINGS: dict[str, dict[str, str]] = {
    "up": dict.fromkeys((*INPUTS, "AUTO_APPROVE", *images.SETTINGS), "") | FOLDER,
    "open": {**FOLDER, "PORT": str(access.API_PORT)},
    "password": FOLDER,
    "dags": {**FOLDER, "FROM": "dags"},
    "destroy": {"TERRAFORM_DIR": "", "CONFIRM": "", "SNAPSHOT": "1", "DRAIN": "0", "AUTO_APPROVE": ""},
}


def _up(context: Context, settings: Mapping[str, str]) -> int:
    chosen = {name: value for name, value in settings.items() if name in images.SETTINGS and value}
    build.check({**chosen, "KIND": "control"})  # before Terraform runs for many minutes
    return up(context, settings, DeploymentImages(settings, context.folder, context.say))


def _destroy(context: Context, settings: Mapping[str, str]) -> int:
    given = {**settings, "TERRAFORM_DIR": str(context.folder)}
    return destroy([f"{name}={value}" for name, value in given.items()])


COMMANDS: dict[str, Callable[[Context, Mapping[str, str]], int]] = {
    "up": _up,
    "open": access.open_page,
    "password": access.show_password,
    "dags": access.upload_dags,
    "destroy": _destroy,
}


def main(arguments: list[str]) -> int:
    """Run a command; return an exit code."""
    name, *rest = arguments or [""]
    if name not in SETTINGS:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        settings = read_settings(rest, SETTINGS[name])
        folder = Path(settings["TERRAFORM_DIR"] or images.deployment_folder())
        if not folder.is_dir():
            raise CommandError(f"TERRAFORM_DIR={folder} is not a folder: name the one that you apply.")  # noqa: TRY301
        return COMMANDS[name](Context(Terraform(folder)), settings)
    except (CommandError, BuildError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: interrupted; run it again to go on\n")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
