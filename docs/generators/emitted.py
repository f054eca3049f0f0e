"""Every message that the package can emit, read from its source.

A message is a text of three words or more: an error, a log line, a finding of the doctor, a verdict. A value
(``{}`` of an f-string, ``%s``) is shown as an ellipsis. Docstrings and regular expressions are not messages.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "executor" / "src" / "airflow_fargate"
_FEWEST_WORDS = 3


@dataclass(frozen=True)
class Message:
    """A text that the package can emit.

    Args:
        at: where: ``module:Class.function``, the module without the package's name.
        text: the text, with an ellipsis for each value.
    """

    at: str
    text: str


def emitted(package: Path = PACKAGE) -> tuple[Message, ...]:
    """Return every message of the package, in the order of its files."""
    found = []
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found += [Message(f"{module}:{name}", text) for name, text in _texts(tree, ())]
    return tuple(dict.fromkeys(found))


def _texts(node: ast.AST, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
        return
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        names = (*names, node.name)
    text = _text(node)
    if text is not None:
        text = " ".join(re.sub(r"%[srd]", "…", text).split())
        if len(text.split()) >= _FEWEST_WORDS:
            yield ".".join(names), text
        return
    for child in ast.iter_child_nodes(node):
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not docstring:
            yield from _texts(child, names)


def _text(node: ast.AST) -> str | None:
    """Return the text that an expression is, or None if it is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        if left is None and right is None:
            return None
        return (left if left is not None else "…") + (right if right is not None else "…")
    return None
