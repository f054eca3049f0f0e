"""Settings of a command: NAME=VALUE arguments, else defaults; not the environment, which may mean others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from terraform.commands.costs import SIZES
from terraform.commands.programs import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"AUTO_APPROVE": ("0", "1"), "SNAPSHOT": ("0", "1"), "SIZE": tuple(SIZES)}
# NAME and REGION are saved for the next run, so reject wrong ones first.
FORMS = {
    "NAME": (
        r"(?=.{2,24}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "2 to 24 lower-case letters, digits and single hyphens, a letter first and no hyphen last",
    ),
    "REGION": (r"[a-z]{2,4}(-[a-z]+)+-\d+", "an AWS region such as eu-west-1"),
}
COMPLETE = ROOT / "terraform" / "airflow_on_ecs"


def read_settings(arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return every setting.

    Args:
        arguments: NAME=VALUE each; an empty value is the default.
        defaults: every setting that there is.

    Raises:
        CommandError: an argument is not understood.
    """
    settings = dict(defaults)
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if not separator or name not in defaults:
            raise CommandError(f"{argument!r} is not understood: give {', '.join(defaults)} as NAME=VALUE.")
        settings[name] = value or settings[name]
        allowed = ALLOWED.get(name, ())
        if value and allowed and value not in allowed:
            raise CommandError(f"{name} must be {' or '.join(allowed)}, got {value!r}.")
        pattern, words = FORMS.get(name, (".*", ""))
        if value and not re.fullmatch(pattern, value):
            raise CommandError(f"{name} must be {words}, got {value!r}.")
    if settings.get("AUTO_APPROVE") == "0":
        settings["AUTO_APPROVE"] = ""
    return settings
