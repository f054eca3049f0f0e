"""The files written from the options: ``terraform/config_keys.json`` and ``docs/configuration.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow_fargate.settings.options import OPTIONS, SECTION


def config_keys() -> dict[str, Any]:
    """Return the options as Terraform reads them (``terraform/config_keys.json``)."""
    return {
        "section": SECTION,
        "options": {
            option.name: {
                "type": option.kind,
                "default": option.default,
                "aip29": option.aip29,
                "terraform": option.terraform,
                "required": option.required,
            }
            for option in OPTIONS
        },
    }


def reference() -> str:
    """Return the options as a Markdown page (``docs/configuration.md``)."""
    rows = [
        "# Options of `[fargate]`",
        "",
        "`airflow config list --section fargate --include-descriptions` shows this table for your",
        "installation. The environment variable of an option is `AIRFLOW__FARGATE__` plus its name in",
        "capitals. Bold options are required; options with a star come from AIP-29.",
        "",
        "This page is generated: `python -m airflow_fargate.settings.options docs/configuration.md`.",
        "",
        "| option | default | what it does |",
        "|---|---|---|",
    ]
    for option in OPTIONS:
        name = f"**`{option.name}`**" if option.required else f"`{option.name}`"
        allowed = f" Allowed: {', '.join(option.choices)}." if option.choices else ""
        example = f" Example: `{option.example}`" if option.example else ""
        default = f"`{option.default}`" if option.default else ""
        rows.append(f"| {name}{'*' * option.aip29} | {default} | {option.description}{allowed}{example} |")
    return "\n".join(rows) + "\n"


def main(names: list[str]) -> int:
    """Write the options to the named files, as Markdown (``.md``) or as ``config_keys.json``."""
    for name in names:
        text = reference() if name.endswith(".md") else json.dumps(config_keys(), indent=2) + "\n"
        Path(name).write_text(text, encoding="utf-8")
    return 0
