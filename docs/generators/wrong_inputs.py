"""docs/wrong_inputs.md: what was typed, and what is printed, from ``wrong_inputs.yaml``.

Tests type every row and compare: tests/contract/cli/test_wrong_inputs.py, tests/unit/commands/
test_wrong_settings.py and, for Terraform, tests/terraform/test_bad_input.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("wrong_inputs.yaml")


def rows(name: str) -> dict[str, str]:
    """Return what is typed -> what is printed, of one group."""
    (group,) = [each for each in _read()["groups"] if each["name"] == name]
    return {each["typed"]: each["printed"] for each in group["rows"]}


def page() -> str:
    """Return the whole page."""
    read = _read()
    return str(read["head"]) + "".join(map(_section, read["groups"]))


def _section(group: dict[str, Any]) -> str:
    lines = [f"| {_cell(each['typed'])} | {_cell(each['printed'])} |" for each in group["rows"]]
    table = "\n".join(["| typed | printed |", "|---|---|", *lines])
    return f"\n## {group['title']}\n\n{group['intro'].strip()}\n\n{table}\n"


def _cell(text: str) -> str:
    """Return each line as code."""
    lines = [line.replace("|", "\\|") for line in text.strip().splitlines()]
    return "<br>".join(f"`` {line} ``" if "`" in line else f"`{line}`" for line in lines)


def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))
