"""A hunt for what was seen once: under heavy load and faults no task of a run was ever told to have ended.

Runs of a hundred tasks with the benchmark's faults, several at once, on a machine that burners keep busy.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from benchmarks.scenarios import FAULTS
from chaos.sockets import WireScenario, play_wire

AT_ONCE, BURNERS = 4, 14
TASKS = 100


def hunt(seeds: int) -> bool:
    """Play so many runs; say whether every task of each ended once and well."""
    print(
        f"{seeds} runs of {TASKS} tasks under faults, {AT_ONCE} at once beside {BURNERS} burners:", flush=True
    )
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(BURNERS)]
    for each in burners:
        each.start()
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return all(list(pool.map(_run, range(1, seeds + 1))))
    finally:
        for each in burners:
            each.kill()
            each.join()


def _run(seed: int) -> bool:
    faulty = WireScenario("faults under load", "", "", tasks=TASKS, faults=FAULTS, seconds=300.0)
    sums = play_wire(replace(faulty, seed=seed))
    print(f"  seed {seed}: {sums}", flush=True)
    return not sums.faulty and sums.succeeded == TASKS


def _burn() -> None:
    while True:
        pass
