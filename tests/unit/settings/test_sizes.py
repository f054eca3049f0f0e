"""Fargate's sizes."""

from __future__ import annotations

import pytest

from airflow_fargate.settings import sizes

GIB = 1024


@pytest.mark.parametrize(
    ("cpu", "first", "last", "count"),
    [
        (256, 512, 2 * GIB, 3),
        (512, 1 * GIB, 4 * GIB, 4),
        (1024, 2 * GIB, 8 * GIB, 7),
        (2048, 4 * GIB, 16 * GIB, 13),
        (4096, 8 * GIB, 30 * GIB, 23),
        (8192, 16 * GIB, 60 * GIB, 12),
        (16384, 32 * GIB, 120 * GIB, 12),
    ],
)
def test_the_sizes_are_awss(cpu: int, first: int, last: int, count: int) -> None:
    """Each CPU with its smallest and largest memory, and their number."""
    memories = sizes.SIZES[cpu]
    assert (memories[0], memories[-1], len(memories)) == (first, last, count)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ((256, 512), (256, 512)),
        ((256, 513), (256, 1024)),
        ((300, 512), (512, 1024)),
        ((256, 4096), (512, 4096)),
        ((8192, 17 * GIB), (8192, 20 * GIB)),
        ((1, 1), (256, 512)),
        ((16384, 121 * GIB), None),
        ((16385, 1), None),
    ],
)
def test_nearest_is_the_smallest_size_that_fits(
    asked: tuple[int, int], offered: tuple[int, int] | None
) -> None:
    """At least the CPU and memory asked for."""
    assert sizes.nearest(*asked) == offered


def test_every_size_is_nearest_to_itself() -> None:
    """An offered size does not change."""
    for cpu, memories in sizes.SIZES.items():
        for memory in memories:
            assert sizes.is_offered(cpu, memory)
            assert sizes.nearest(cpu, memory) == (cpu, memory)


@pytest.mark.parametrize(("had", "following"), [(512, 1024), (30 * GIB, 60 * GIB), (120 * GIB, None)])
def test_next_memory_is_about_twice(had: int, following: int | None) -> None:
    """The size to use after a task ran out of memory; none above the largest."""
    assert sizes.next_memory(had) == following


def test_ephemeral_storage_is_21_to_200_gib() -> None:
    """Both limits are included."""
    assert [gib in sizes.EPHEMERAL_STORAGE_GIB for gib in (20, 21, 200, 201)] == [False, True, True, False]
