"""What may come from outside: near-valid values with parts broken, since plain noise is refused at the door.

atheris earns no place here: what is parsed is small dictionaries, whose shapes hypothesis is told; it runs in
every `make test`, on every Python, without a build of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "eyJhbGciOiJIUzUxMiJ9.the-token-of-a-task"
"""Stands wherever a token may; it must stand in no message."""

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 2**31, 10**30, float("nan"), float("inf"), 1e308, "", " ", "\x00", "\ud800", "٣"]),
    st.floats(),
    st.text(max_size=12),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ANYTHING = JSON | st.binary(max_size=4) | st.tuples(st.integers()) | st.builds(object)
KEYS = st.text(max_size=8) | st.integers() | st.none() | st.tuples(st.integers())


@st.composite
def broken(draw: st.DrawFn, whole: Mapping[Any, Any], odd: st.SearchStrategy[Any] = JSON) -> dict[Any, Any]:
    """Return the mapping with some members left out, replaced, or broken inside."""
    found: dict[Any, Any] = {}
    for key, value in whole.items():
        fate = draw(st.sampled_from(["whole", "whole", "whole", "gone", "odd", "inside"]))
        if fate == "odd":
            found[key] = draw(odd)
        elif fate == "inside" and isinstance(value, dict):
            found[key] = draw(broken(value, odd))
        elif fate == "inside" and isinstance(value, list):
            found[key] = [draw(broken(each, odd)) if isinstance(each, dict) else draw(odd) for each in value]
        elif fate != "gone":
            found[key] = value
    return found


def texts_of(value: Any) -> st.SearchStrategy[str]:
    """Return JSON of the value, whole, cut short, or with something in the middle."""
    text = json.dumps(value, default=str)
    return st.one_of(
        st.just(text),
        st.integers(0, len(text)).map(lambda end: text[:end]),
        st.tuples(st.integers(0, len(text)), st.text(max_size=4)).map(
            lambda cut: text[: cut[0]] + cut[1] + text[cut[0] :]
        ),
    )


AWKWARD_JSON = st.sampled_from(
    ["[" * 100_000, "9" * 5000, '{"format": ' + "9" * 5000 + "}", "NaN", "\ud800", '"\\ud800"']
)
"""JSON on which Python's own parser fails in a way of its own: too deep, too many digits, no UTF-8."""
