"""Write the inputs and outputs of every module into its README, between two markers.

``.venv/bin/python tests/terraform/module_readmes.py`` rewrites them; with ``--check`` it prints those that
are out of date and exits with 1.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hcl2

if TYPE_CHECKING:
    from collections.abc import Sequence

TERRAFORM = Path(__file__).parents[2] / "terraform"
BEGIN = "<!-- generated: make changes in the .tf files, then run tests/terraform/module_readmes.py -->"
END = "<!-- end -->"


@dataclass(frozen=True)
class Block:
    """A variable or an output.

    Args:
        name: its name.
        description: its description.
        type: a variable's type; empty for an output.
        default: a variable's default; None if it has none.
    """

    name: str
    description: str
    type: str
    default: str | None


def _written(value: Any) -> str:
    """Return a parsed value as Terraform writes it, on one line."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {_written(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_written(each) for each in value)}]"
    return _expression(value) if isinstance(value, str) else json.dumps(value)


def _expression(text: str) -> str:
    """Return a string (python-hcl2 leaves it in its quotes) or an expression (it puts it into ``${}``)."""
    inner = text[2:-1] if text.startswith("${") else text
    return inner.replace("({", "({ ").replace("})", " })")


def blocks(folder: Path, kind: str) -> list[Block]:
    """Return the blocks of a kind (``variable``, ``output``) in the folder's files, in their order."""
    found = []
    for file in sorted(folder.glob("*.tf")):
        for block in hcl2.loads(file.read_text(encoding="utf-8")).get(kind, []):
            ((name, body),) = block.items()
            found.append(
                Block(
                    json.loads(name),
                    json.loads(body.get("description", '""')),
                    _expression(body.get("type", "")),
                    _written(body["default"]) if "default" in body else None,
                )
            )
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def tables(folder: Path) -> str:
    """Return the two tables of a module, in Markdown."""
    lines = ["## Inputs", "", "| name | type | default | what it is |", "|---|---|---|---|"]
    for variable in blocks(folder, "variable"):
        default = "required" if variable.default is None else f"`{variable.default}`"
        row = (f"`{variable.name}`", f"`{variable.type}`", default, variable.description)
        lines.append(f"| {' | '.join(_cell(cell) for cell in row)} |")
    lines += ["", "## Outputs", "", "| name | what it is |", "|---|---|"]
    lines += [f"| `{output.name}` | {_cell(output.description)} |" for output in blocks(folder, "output")]
    return "\n".join(lines)


def renewed(readme: str, folder: Path) -> str:
    """Return the README with its generated part written again, or appended if there was none."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before.rstrip()}\n\n{BEGIN}\n\n{tables(folder)}\n\n{END}\n{after.lstrip()}"


def folders(root: Path = TERRAFORM) -> list[Path]:
    """Return the module for tasks, the root of the complete deployment, and every module."""
    modules = sorted(file.parent for file in (root / "modules").rglob("outputs.tf"))
    return [root, root / "airflow_on_ecs", *modules]


def main(arguments: Sequence[str]) -> int:
    """Rewrite, or check."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: module_readmes.py [--check]\n")
        return 2
    stale = []
    for folder in folders():
        file = folder / "README.md"
        old = file.read_text(encoding="utf-8") if file.exists() else f"# {folder.name}\n"
        new = renewed(old, folder)
        if new != old or not file.exists():
            stale.append(file)
            if not arguments:
                file.write_text(new, encoding="utf-8")
    for file in stale:
        sys.stdout.write(f"{file.relative_to(TERRAFORM)}{' is out of date' if arguments else ''}\n")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
