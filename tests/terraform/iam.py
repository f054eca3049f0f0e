"""A judge for IAM policies, small and strict: whatever it does not know is an error, never a yes.

It knows the statements and condition operators that this project's policies use. What each call is checked
for is in :mod:`terraform.iam_calls`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Request:
    """One question that AWS asks the policy.

    Args:
        action: for instance ``ecs:RunTask``.
        resource: the ARN, or ``*`` for a call that knows no resource.
        context: condition keys and their values.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


Grant = tuple[str, str]
"""The Sid of a statement, and one of its actions."""


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _like(pattern: str, text: str) -> bool:
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, text) is not None


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}


@dataclass(frozen=True)
class Statement:
    """One Allow of a policy.

    Raises:
        ValueError: it has an element or an operator that is not known here.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    @classmethod
    def parse(cls, statement: Mapping[str, Any]) -> Statement:
        """Read a statement as it stands in the policy."""
        strange = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
        if strange or statement["Effect"] != "Allow":
            raise ValueError(f"a statement that is not understood: {json.dumps(statement)}")
        conditions = [
            (operator, key, tuple(_listed(values)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        ]
        if unknown := {operator for operator, _, _ in conditions} - set(_OPERATORS):
            raise ValueError(f"condition operators that are not understood: {', '.join(sorted(unknown))}")
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        return cls(statement["Sid"], tuple(actions), tuple(resources), tuple(conditions))

    def allows(self, request: Request) -> bool:
        """Tell whether the statement allows the request; a key that is not in the context is a no."""
        return (
            any(_like(action, request.action) for action in self.actions)
            and any(_like(resource, request.resource) for resource in self.resources)
            and all(
                key in request.context
                and any(_OPERATORS[operator](value, request.context[key]) for value in values)
                for operator, key, values in self.conditions
            )
        )


@dataclass(frozen=True)
class Policy:
    """A policy document."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str) -> Policy:
        """Read a policy from its JSON."""
        return cls(tuple(Statement.parse(statement) for statement in json.loads(document)["Statement"]))

    def __add__(self, other: Policy) -> Policy:
        """Return the policy of somebody who bears both."""
        return Policy((*self.statements, *other.statements))

    def allowing(self, request: Request) -> str | None:
        """Return the Sid of a statement that allows the request, or None."""
        return next((statement.sid for statement in self.statements if statement.allows(request)), None)

    @property
    def grants(self) -> set[Grant]:
        """Return every permission: the Sid of its statement, and the action."""
        return {(statement.sid, action) for statement in self.statements for action in statement.actions}
