"""Writes the inputs and outputs of every module into its README, between two markers.

``python3 tests/terraform/module_readmes.py`` rewrites them; ``--check`` says which are out of date and
ends with 1. It reads files formatted by ``terraform fmt`` and nothing else. Standard library only.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
        description: its description, on one line.
        type: a variable's type, on one line; empty for an output.
        default: a variable's default, on one line; None where it has none.
    """

    name: str
    description: str
    type: str
    default: str | None


def _argument(body: str, name: str) -> str | None:
    """Return the text of an argument of a block, on one line."""
    found = re.search(rf"^  {name} += (.*)$", body, re.MULTILINE)
    if not found:
        return None
    lines = [found[1]]
    heredoc = re.fullmatch(r"<<-?(\w+)", found[1])
    if heredoc:
        text = re.split(rf"\n  {heredoc[1]}$", body[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        return " ".join(text.split())
    # What terraform fmt formats ends with the line whose closing bracket is indented like the argument.
    if re.search(r"[\[{(]$", found[1]):
        for line in body[found.end() + 1 :].splitlines():
            lines.append(line.strip())
            if re.match(r"  [\]})]", line):
                break
    return " ".join(lines)


def _unquoted(text: str) -> str:
    quoted = re.fullmatch(r'"(.*)"', text)
    return quoted[1].replace('\\"', '"') if quoted else text


def _one_line_type(text: str) -> str:
    """Shorten ``object({ a = b c = d })``, which lost its lines, to ``object({ a = b, c = d })``."""
    text = re.sub(r"(?<=[\w)}\]\"]) (?=\w+ += )", ", ", text)
    return re.sub(r" +", " ", text)


def blocks(folder: Path, kind: str) -> list[Block]:
    """Return the blocks of a kind (``variable``, ``output``) in the folder's files, in their order."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf")))
    found = []
    for name, body in re.findall(rf'^{kind} "(\w+)" {{\n(.*?)\n}}$', text, re.MULTILINE | re.DOTALL):
        default = _argument(body, "default")
        found.append(
            Block(
                name,
                _unquoted(_argument(body, "description") or ""),
                _one_line_type(_argument(body, "type") or ""),
                default if default is None else _one_line_type(default),
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
    """Return the README with its generated part made anew; appended where there was none."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before.rstrip()}\n\n{BEGIN}\n\n{tables(folder)}\n\n{END}\n{after.lstrip()}"


def folders(root: Path = TERRAFORM) -> list[Path]:
    """Return the root and every module."""
    return [root, *sorted(folder for folder in (root / "modules").iterdir() if folder.is_dir())]


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
