"""Bytes of memory: of this process, and of a data structure."""

from __future__ import annotations

import threading
from types import MethodType
from typing import Any

import objsize
import psutil

_SHARED = (MethodType, type(threading.Lock()))
"""What a structure refers to but does not own. objsize leaves out classes, modules and functions itself."""


def rss() -> int:
    """Return the resident bytes of this process."""
    return int(psutil.Process().memory_info().rss)


def held_bytes(*roots: Any) -> int:
    """Return the bytes of all objects that can be reached from the roots, each counted once."""
    return int(objsize.get_deep_size(*roots, filter_func=_is_owned))


def _is_owned(each: Any) -> bool:
    return bool(objsize.default_object_filter(each)) and not isinstance(each, _SHARED)
