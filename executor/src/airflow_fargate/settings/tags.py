"""Which tags ECS accepts. Pure."""

from __future__ import annotations

import unicodedata

from airflow_fargate.text import shown

OUR_PREFIX = "airflow-fargate:"
KEY_CHARACTERS = 128
VALUE_CHARACTERS = 256
_MARKS = "_.:/=+-@"


def fault(key: str, value: str) -> str:
    """Return why ECS rejects a tag, as the end of a sentence; empty if it accepts it (ECS API, Tag)."""
    if not key:
        return "a tag's key must not be empty."
    if key.lower().startswith("aws:"):
        return f"{shown(key)} is not allowed: AWS reserves keys that begin with aws:."
    if key.startswith(OUR_PREFIX):
        return f"{shown(key)} is not allowed: the executor itself sets the tags that begin with {OUR_PREFIX}."
    parts = (
        (f"the key {shown(key)}", key, KEY_CHARACTERS),
        (f"the value of {shown(key)}", value, VALUE_CHARACTERS),
    )
    for what, text, most in parts:
        if len(text) > most:
            return f"{what} must have at most {most} characters, got {len(text)}."
        if wrong := sorted({each for each in text if not _is_allowed(each)}):
            named = ", ".join(map(repr, wrong))
            return f"{what} contains {named}. ECS allows letters, digits, spaces and _ . : / = + - @."
    return ""


def _is_allowed(character: str) -> bool:
    """Say whether it is a letter, space or number of any script, or one of a few marks."""
    return character in _MARKS or unicodedata.category(character)[0] in "LZN"
