"""The sizes that Fargate offers (ECS developer guide, "Task CPU and memory")."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GIB = 1024


def _gib(first: int, last: int, step: int = 1) -> tuple[int, ...]:
    return tuple(range(first * GIB, last * GIB + 1, step * GIB))


SIZES: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {
        256: (512, 1 * GIB, 2 * GIB),
        512: _gib(1, 4),
        1024: _gib(2, 8),
        2048: _gib(4, 16),
        4096: _gib(8, 30),
        8192: _gib(16, 60, 4),
        16384: _gib(32, 120, 8),
    }
)
"""CPU units -> memory sizes in MiB."""

EPHEMERAL_STORAGE_GIB = range(21, 201)


def is_offered(cpu: int, memory: int) -> bool:
    """Say whether Fargate runs a task of so many CPU units and MiB."""
    return memory in SIZES.get(cpu, ())


def nearest(cpu: int, memory: int) -> tuple[int, int] | None:
    """Return the smallest size with at least this CPU (units) and memory (MiB); None above the largest."""
    for offered, memories in SIZES.items():
        if offered >= cpu:
            for each in memories:
                if each >= memory:
                    return offered, each
    return None


def next_memory(memory: int) -> int | None:
    """Return a memory size (MiB) of about twice this one that Fargate offers; None above the largest."""
    size = nearest(0, 2 * memory)
    return size[1] if size else None
