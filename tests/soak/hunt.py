"""A search for a failure seen once: under heavy load and faults, no task of a run was ever reported as ended.

Runs of a hundred tasks with the benchmark's faults, several at once, while other processes keep the CPU busy.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from benchmarks.metadata import Metadata
from benchmarks.sizes import FAULTS
from chaos.sockets import WireScenario, play_wire

AT_ONCE, BURNERS = 4, 14
TASKS = 100


def hunt(seeds: int) -> bool:
    """Run with so many seeds; return whether every task of each run succeeded once."""
    print(
        f"{seeds} runs of {TASKS} tasks under faults, {AT_ONCE} at once, beside {BURNERS} busy processes:",
        flush=True,
    )
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(BURNERS)]
    for each in burners:
        each.start()
    try:
        with Metadata() as metadata, ThreadPoolExecutor(AT_ONCE) as pool:
            return all(list(pool.map(lambda seed: _run(seed, metadata), range(1, seeds + 1))))
    finally:
        for each in burners:
            each.kill()
            each.join()


def _run(seed: int, metadata: Metadata) -> bool:
    faulty = WireScenario("faults under load", "", "", tasks=TASKS, faults=FAULTS, seconds=300.0)
    sums = play_wire(replace(faulty, seed=seed), metadata)
    print(f"  seed {seed}: {sums}", flush=True)
    return not sums.faulty and sums.succeeded == TASKS


def _burn() -> None:
    while True:
        pass
