"""EventBridge's event patterns. Pure.

A pattern names members of the event; a list holds the filters of a member, one of which must match. A member
that is an array matches if one of its elements does, nested as deep as it may be: a pattern over
`detail.containers.exitCode` matches if one object in the array `containers` matches as a whole.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Scalar = str | float | bool | None

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event (a JSON document) matches a pattern."""
    if isinstance(event, list):
        return any(matches(pattern, item) for item in event or [{}])
    members = event if isinstance(event, dict) else {}
    return all(_member_matches(name, wanted, members) for name, wanted in pattern.items())


def _member_matches(name: str, wanted: Any, members: Mapping[str, Any]) -> bool:
    if name == "$or":
        return any(matches(option, members) for option in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, members.get(name, {}))
    values = list(_scalars(members[name])) if name in members else []
    return any(_passes(item, values) for item in wanted)


def _scalars(value: Any) -> Iterator[Scalar]:
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif not isinstance(value, dict):
        yield value


def _passes(wanted: Any, values: list[Scalar]) -> bool:
    """Whether one filter is met by one of a member's values."""
    if isinstance(wanted, dict) and "exists" in wanted:
        return bool(values) is bool(wanted["exists"])
    return any(_meets(wanted, value) for value in values)


def _meets(wanted: Any, value: Scalar) -> bool:
    if not isinstance(wanted, dict):
        return _equal(wanted, value)
    return all(FILTERS[name](argument, value) for name, argument in wanted.items())


def _equal(wanted: Any, value: Scalar) -> bool:
    # In Python True is 1; in JSON it is not.
    return wanted == value and isinstance(wanted, bool) == isinstance(value, bool)


def _anything_but(wanted: Any, value: Scalar) -> bool:
    if isinstance(wanted, dict):
        return not _meets(wanted, value)
    return not any(_equal(item, value) for item in _listed(wanted))


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Scalar], bool]:
    """A filter over strings whose argument is one string or several."""

    def passes(wanted: Any, value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(wanted, dict):
            return any(test(value.lower(), item.lower()) for item in _listed(wanted["equals-ignore-case"]))
        return any(test(value, item) for item in _listed(wanted))

    return passes


def _numeric(wanted: Any, value: Scalar) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return all(COMPARE[name](value, limit) for name, limit in pairs)


def _in_network(value: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _wildcard(value: str, wanted: str) -> bool:
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", wanted)
    translated = (".*" if part == "*" else re.escape(part.removeprefix("\\") or part) for part in parts)
    return re.fullmatch("".join(translated), value, re.DOTALL) is not None


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


FILTERS: dict[str, Callable[[Any, Scalar], bool]] = {
    "anything-but": _anything_but,
    "cidr": _text(_in_network),
    "equals-ignore-case": _text(lambda value, wanted: value.lower() == wanted.lower()),
    "numeric": _numeric,
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    "wildcard": _text(_wildcard),
}
