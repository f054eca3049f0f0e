"""What ECS takes as a tag. Pure."""

from __future__ import annotations

import unicodedata

KEY_CHARACTERS = 128
VALUE_CHARACTERS = 256
_MARKS = "_.:/=+-@"


def fault(key: str, value: str) -> str:
    """Return why ECS rejects a tag, as the end of a sentence; empty if it takes it (ECS API, Tag)."""
    if not key:
        return "a key must not be empty."
    if key.lower().startswith("aws:"):
        return f"{key!r}: AWS keeps keys that begin with aws: to itself."
    parts = ((f"the key {key!r}", key, KEY_CHARACTERS), (f"the value of {key!r}", value, VALUE_CHARACTERS))
    for what, text, most in parts:
        if len(text) > most:
            return f"{what} is too long: {len(text)} characters, ECS takes {most}."
        if wrong := sorted({each for each in text if not _is_allowed(each)}):
            named = ", ".join(map(repr, wrong))
            return f"{what} has {named}: ECS takes letters, digits, spaces and _ . : / = + - @."
    return ""


def _is_allowed(character: str) -> bool:
    """Tell whether it is a letter, space or number of any script, or one of a few marks."""
    return character in _MARKS or unicodedata.category(character)[0] in "LZN"
