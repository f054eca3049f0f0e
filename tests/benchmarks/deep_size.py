"""How many bytes a data structure holds, all that it refers to included."""

from __future__ import annotations

import gc
import sys
import threading
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

# What a structure refers to and does not own.
_FOREIGN = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, type(threading.Lock()))


def deep_size(roots: list[Any]) -> int:
    """Return the bytes of the objects reachable from the roots, each counted once."""
    seen: set[int] = set()
    waiting = [root for root in roots if root is not None]
    total = 0
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, _FOREIGN):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        waiting.extend(gc.get_referents(each))
    return total
