"""Every outcome of a task, each in its own container; ``smoke/expectations.py`` has the expected results.

This file is in the worker image and in the DAG processor's folder, so it only imports Airflow, through
``smoke_airflow``.
"""

from __future__ import annotations

import mmap
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from smoke_airflow import AirflowFailException, dag, get_current_context, task

LONGER_THAN_A_RECONCILE_INTERVAL = 12.0
"""Seconds; the smoke's scheduler reconciles every 5."""


def _memory_limit() -> int:
    """Return this container's memory limit in MiB, with either cgroup version."""
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        path = Path(name)
        if path.exists() and path.read_text().strip().isdigit():
            return int(path.read_text()) // (1 << 20)
    return 0


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 0, "retry_delay": timedelta(seconds=30)},
    tags=["smoke"],
)
def smoke_outcomes() -> None:  # noqa: C901  # how a DAG reads
    """Every outcome that the executor must distinguish."""

    @task
    def make_number() -> int:
        """Return a value for another container."""
        return 20

    @task
    def double_number(number: int) -> int:
        """Use a value from another container."""
        print(f"got {number} from another container")
        return 2 * number

    @task
    def square(number: int) -> int:
        """Run as one of five mapped tasks."""
        print(f"the square of {number} is {number * number}")
        return number * number

    @task(retries=1)
    def fails_once() -> None:
        """Fail in the first try and succeed in the second."""
        number = get_current_context()["ti"].try_number
        print(f"this is try {number}")
        if number == 1:
            raise ValueError("the first try fails on purpose")

    @task(retries=3)
    def fails_for_good() -> None:
        """Fail without a retry."""
        raise AirflowFailException("this task fails for good on purpose")

    @task(trigger_rule="all_done")
    def after_failure() -> None:
        """Run although the task before it failed."""
        print("the task before is done, whatever became of it")

    @task(executor_config={"cpu": 2048, "memory": 4096})
    def sized() -> None:
        """Run with its own cpu and memory."""
        print(f"the memory limit is {_memory_limit()} MiB")

    @task
    def out_of_memory() -> None:
        """Allocate memory until the kernel kills it."""
        print("taking memory until the kernel says no")
        time.sleep(1)  # so that this line is written before the process is killed
        # In one step inside the kernel. In small steps, the container first thrashes for half a minute and
        # reads its own code from disk again and again.
        taken = mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
        raise RuntimeError(f"the kernel gave {len(taken) >> 20} MiB")

    @task
    def long() -> None:
        """Outlast a reconcile interval."""
        time.sleep(LONGER_THAN_A_RECONCILE_INTERVAL)
        print("still here after a reconcile interval")

    @task.branch
    def choose() -> str:
        """Choose one of two branches."""
        return "chosen"

    @task
    def chosen() -> None:
        """Run, because it was chosen."""
        print("this branch was chosen")

    @task
    def not_chosen() -> None:
        """Do not run."""
        raise RuntimeError("this branch was not chosen")

    double_number(make_number())
    square.expand(number=[1, 2, 3, 4, 5])
    fails_once()
    fails_for_good() >> after_failure()
    sized()
    out_of_memory()
    long()
    choose() >> [chosen(), not_chosen()]


smoke_outcomes()
