"""The DAG of `make smoke-deployment`: success, failure, XCom, mapped tasks, a deferred task, a long task."""

from __future__ import annotations

import os
import time
from datetime import timedelta

from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import dag, task
from smoke_package import GREETING


@dag(schedule=None, catchup=False, is_paused_upon_creation=False)
def deployment_smoke() -> None:
    """Run one task of each kind."""

    @task
    def first() -> str:
        """Return the container's host name to the next container."""
        print(GREETING, os.uname().nodename)
        return os.uname().nodename

    @task
    def second(before: str) -> None:
        """Check that the XCom came from another container."""
        if before == os.uname().nodename:
            raise ValueError(f"both tasks ran in {before}")

    @task
    def square(number: int) -> int:
        """One of three mapped tasks."""
        return number * number

    @task
    def fails() -> None:
        """Fail, for the page to show why."""
        raise RuntimeError("this task fails on purpose")

    @task
    def outlasts() -> None:
        """Run while components are killed, the password rotated, the database away."""
        for second in range(300):
            print("second", second, flush=True)
            time.sleep(1)

    second(first())
    square.expand(number=[1, 2, 3])
    fails()
    outlasts()
    # Counted from the trigger: long enough that the container starts, and defers, before it has passed.
    TimeDeltaSensor(task_id="deferred", delta=timedelta(seconds=60), deferrable=True)


deployment_smoke()
