"""What is measured of a process again and again, and whether it grew."""

from __future__ import annotations

import gc
import resource
import sys
import threading
import tracemalloc
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = 4
"""The first and the last quarter of the samples are compared, each by its median."""


@dataclass(frozen=True)
class Sample:
    """One look at the process.

    at: seconds, of whichever clock. tasks: ended until then. rss: resident bytes. blocks: of memory that
    Python has allocated. traced: bytes of them since tracing began. objects: of the executor's own classes.
    threads, files: how many.
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
    """How much a gauge may have grown over a run, in its unit."""

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
    """One gauge over a run: its median in the first quarter and in the last, in the limit's unit."""

    limit: Limit
    first: float
    last: float

    @property
    def flat(self) -> bool:
        """Whether it grew by no more than it may."""
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
    """Look at this process, once what is dead has been collected."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Sample(
        at=at,
        tasks=tasks,
        rss=pages * resource.getpagesize(),
        blocks=sys.getallocatedblocks(),
        traced=tracemalloc.get_traced_memory()[0],
        objects=sum(own_objects().values()),
        threads=threading.active_count(),
        files=sum(1 for _ in Path("/proc/self/fd").iterdir()),
    )


def own_objects() -> Counter[str]:
    """Count the living objects of the executor's own classes, by their names."""
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
        raise ValueError(f"{len(samples)} samples are too few to compare: give it more SECONDS.")
    return [
        Growth(
            limit,
            median(getattr(each, limit.gauge) for each in samples[:quarter]) / limit.divisor,
            median(getattr(each, limit.gauge) for each in samples[-quarter:]) / limit.divisor,
        )
        for limit in limits
    ]
