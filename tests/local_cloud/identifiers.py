"""Identifiers as AWS makes them, from a given source of chance, so that a seed repeats them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def make_hex(random: Random) -> str:
    """32 hexadecimal digits: a task's id."""
    return f"{random.getrandbits(128):032x}"


def make_uuid(random: Random) -> str:
    """A UUID, version 4."""
    digits = make_hex(random)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
