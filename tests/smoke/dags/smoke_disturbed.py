"""Tasks that something happens to while they run, from outside; what, and when: ``smoke/disturbances.py``.

The file stands in the worker image and in the DAG processor's folder, so it imports Airflow alone,
through ``smoke_airflow``.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

from smoke_airflow import dag, find_variable, get_current_context, task

GIVEN_UP_AFTER = 240.0
"""Seconds; whoever waits so long was forgotten, and fails."""
SCHEDULER_IS_BACK = "smoke_scheduler_is_back"
"""The variable by which a task learns that there is another scheduler."""


def _wait() -> None:
    """Be there to be disturbed."""
    number = get_current_context()["ti"].try_number
    print(f"try {number} waits for what may come")
    time.sleep(GIVEN_UP_AFTER)
    raise RuntimeError("nothing came")


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 0, "retry_delay": timedelta(seconds=1)},
    tags=["smoke"],
)
def smoke_disturbed() -> None:
    """What people and hosts do to running tasks."""

    @task(retries=2)
    def taken_away() -> None:
        """Lose the first container to StopTask and the second to SIGKILL; the third is left alone."""
        number = get_current_context()["ti"].try_number
        if number < 3:
            _wait()
        print(f"try {number} was left alone")

    @task
    def outlives_its_scheduler() -> None:
        """Run while the scheduler that launched it is killed, until the next one has taken over."""
        print("this waits for what may come: another scheduler")
        deadline = time.monotonic() + GIVEN_UP_AFTER
        while find_variable(SCHEDULER_IS_BACK) is None:
            if time.monotonic() > deadline:
                raise RuntimeError("no other scheduler came")
            time.sleep(1)
        print("another scheduler has taken over")

    @task
    def marked_failed() -> None:
        """Run until a person marks it failed."""
        _wait()

    @task
    def cleared() -> None:
        """Run until a person clears it; the second time, end."""
        number = get_current_context()["ti"].try_number
        if number < 2:
            _wait()
        print(f"try {number} was left alone")

    taken_away()
    outlives_its_scheduler()
    marked_failed()
    cleared()


smoke_disturbed()
