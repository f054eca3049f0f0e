"""The DAG that runs under the faults of `make smoke FAULTS=1`."""

from __future__ import annotations

import time

from airflow.sdk import dag, task

SECONDS = 300
"""Longer than the database is away, and than a new container of each service needs."""


@dag(schedule=None, catchup=False, is_paused_upon_creation=False)
def smoke_faults() -> None:
    """Three tasks, and one after them."""

    @task
    def outlasts(number: int) -> int:
        """Run while a component hangs, the password is rotated, the database is away, all is redeployed."""
        for second in range(SECONDS):
            print("second", second, flush=True)
            time.sleep(1)
        return number

    @task
    def afterwards(numbers: list[int]) -> None:
        """Read what the three have returned."""
        print("all of", sorted(numbers))

    afterwards(outlasts.expand(number=[1, 2, 3]))


smoke_faults()
