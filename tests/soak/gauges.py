"""Samples of a process, and whether it grew."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from collections import Counter
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = 4
"""The medians of the first and the last quarter of the samples are compared."""


@dataclass(frozen=True)
class Sample:
    """The state of the process at one time.

    Args:
        at: seconds, of any clock.
        tasks: tasks that have ended until then.
        rss: resident bytes.
        blocks: memory blocks that Python has allocated.
        traced: bytes allocated since tracing began.
        objects: objects of the executor's own classes.
        threads: number of threads.
        files: number of open files.
    """

    at: float
    tasks: int
    rss: int
    blocks: int
    traced: int
    objects: int
    threads: int
    files: int

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Limit:
    """How much a gauge may grow over a run, in its unit."""

    gauge: str
    most: float
    unit: str = ""
    divisor: int = 1


LIMITS = (
    Limit("rss", 4096, "KiB", 1024),
    Limit("blocks", 8000),
    Limit("traced", 512, "KiB", 1024),
    Limit("objects", 50),
    Limit("threads", 0),
    Limit("files", 2),
)


@dataclass(frozen=True)
class Growth:
    """One gauge over a run: its medians in the first and in the last quarter, in the limit's unit."""

    limit: Limit
    first: float
    last: float

    @property
    def flat(self) -> bool:
        """Whether it grew by no more than the limit."""
        return self.last - self.first <= self.limit.most

    def line(self) -> str:
        """Return the table's line."""
        limit = self.limit
        verdict = "flat" if self.flat else "GREW"
        return (
            f"  {limit.gauge:8} {self.first:>10,.0f} {self.last:>10,.0f} {self.last - self.first:>+9,.0f} "
            f"{limit.most:>8,.0f} {limit.unit:4} {verdict}"
        )


HEADER = "  gauge         first       last    growth     most"


def take(at: float, tasks: int) -> Sample:
    """Return a sample of this process, after a garbage collection."""
    gc.collect()
    process = psutil.Process()
    return Sample(
        at=at,
        tasks=tasks,
        rss=process.memory_info().rss,
        blocks=sys.getallocatedblocks(),
        traced=tracemalloc.get_traced_memory()[0],
        objects=sum(own_objects().values()),
        threads=threading.active_count(),
        files=process.num_fds(),
    )


def own_objects() -> Counter[str]:
    """Count the objects of the executor's own classes, by class name."""
    kinds = Counter(type(each) for each in gc.get_objects())
    ours = (each for each in kinds.items() if str(each[0].__module__).startswith("airflow_fargate"))
    return Counter({kind.__name__: count for kind, count in ours})


def growths(samples: Sequence[Sample], limits: Sequence[Limit] = LIMITS) -> list[Growth]:
    """Compare the first quarter of the samples with the last.

    Raises:
        ValueError: there are too few samples to compare.
    """
    quarter = len(samples) // SHARE
    if quarter < 1:
        raise ValueError(f"{len(samples)} samples are too few to compare, {SHARE} are needed: raise SECONDS.")
    return [
        Growth(
            limit,
            median(getattr(each, limit.gauge) for each in samples[:quarter]) / limit.divisor,
            median(getattr(each, limit.gauge) for each in samples[-quarter:]) / limit.divisor,
        )
        for limit in limits
    ]
