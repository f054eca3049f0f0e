"""JSON, quickly: most of what a call costs is reading and writing it."""

from __future__ import annotations

from typing import Any

import orjson


def encode(document: Any) -> bytes:
    """Compact JSON; a Counter or other mapping is written as an object."""
    return orjson.dumps(document, default=dict)


def fingerprint(document: Any) -> bytes:
    """The same bytes for the same document, whatever the order of its members."""
    return orjson.dumps(document, default=str, option=orjson.OPT_SORT_KEYS)


def decode(text: bytes) -> Any:
    """The document; raises ValueError."""
    return orjson.loads(text)
