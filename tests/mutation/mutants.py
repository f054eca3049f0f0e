"""Makes mutants of a module: its syntax tree with one change.

mutmut changes function bodies only. Here the tables at module level matter as much: moves between states,
AWS's words, Fargate's sizes.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change: its line, what it is, and the whole tree with it."""

    line: int
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Yield the mutants of a module, line by line."""
    tree = ast.parse(source)
    skipped = _not_code(tree)
    places: list[Any] = [
        node for node in ast.walk(tree) if hasattr(node, "lineno") and id(node) not in skipped
    ]
    for node in sorted(places, key=lambda each: (each.lineno, each.col_offset)):
        for what, change in _changes(node):
            before = dict(vars(node))
            change()
            yield Mutant(node.lineno, what, copy.deepcopy(tree))
            vars(node).update(before)


def _not_code(tree: ast.Module) -> set[int]:
    """Return the nodes that no test should pin: docstrings, annotations, and the text of messages."""
    found: set[int] = set()
    for node in ast.walk(tree):
        away: list[ast.AST | None] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            away.append(node)
        if isinstance(node, (ast.JoinedStr, ast.Raise)):
            away.append(node)
        if isinstance(node, ast.FunctionDef):
            away += [
                node.returns,
                *(each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg)),
            ]
            away += [node] if node.name == "__repr__" else []
        if isinstance(node, ast.AnnAssign):
            away.append(node.annotation)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            away.append(node)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            away += node.decorator_list
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Enum" for base in node.bases):
            away.append(node)
        for each in away:
            found |= {id(inner) for inner in ast.walk(each)} if each is not None else set()
    return found


def _changes(node: Any) -> Iterator[tuple[str, Any]]:  # noqa: C901  one case for each kind of node
    """Yield the possible changes of a node: a description, and a function that makes the change."""

    def change(**members: Any) -> Any:
        return lambda: vars(node).update(members)

    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        other = _COMPARISONS[type(node.ops[0])]
        yield f"{_word(node.ops[0])} -> {other.__name__}", change(ops=[other(), *node.ops[1:]])
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _OPERATORS:
        other_operator = _OPERATORS[type(node.op)]
        yield f"{_word(node.op)} -> {other_operator.__name__}", change(op=other_operator())
    elif isinstance(node, ast.BoolOp):
        other_bool = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{_word(node.op)} -> {other_bool.__name__}", change(op=other_bool())
    elif isinstance(node, (ast.If, ast.IfExp)):
        yield (
            "condition -> its opposite",
            change(test=ast.UnaryOp(ast.Not(), node.test, lineno=1, col_offset=0)),
        )
    elif isinstance(node, ast.Name) and node.id in _NAMES:
        yield f"{node.id} -> {_NAMES[node.id]}", change(id=_NAMES[node.id])
    elif isinstance(node, ast.Constant):
        yield from _constants(node, change)
    elif isinstance(node, ast.Dict):
        for number, key in enumerate(node.keys):
            keys, values = node.keys[:], node.values[:]
            del keys[number], values[number]
            name = ast.unparse(key) if key is not None else "**"
            yield f"without the entry {name}", change(keys=keys, values=values)
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield "returns None", change(value=ast.Constant(None, lineno=node.lineno, col_offset=0))
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        yield (
            f"{ast.unparse(node.targets[0])} -> None",
            change(value=ast.Constant(None, lineno=1, col_offset=0)),
        )


def _constants(node: ast.Constant, change: Any) -> Iterator[tuple[str, Any]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} -> {not value}", change(value=not value)
    elif isinstance(value, (int, float)):
        yield f"{value!r} -> {value + 1!r}", change(value=value + 1)
    elif isinstance(value, str) and value and not value.endswith((".", ". ", ": ")):
        # Text that ends like a sentence is for people, so no test pins its wording.
        yield f"{value!r} -> other text", change(value=f"\x00{value}")


def _word(operator: Any) -> str:
    return str(type(operator).__name__)
