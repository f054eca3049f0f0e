"""Tasks that are disturbed from outside while they run; ``smoke/disturbances.py`` says how and when.

This file is in the worker image and in the DAG processor's folder, so it only imports Airflow, through
``smoke_airflow``.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

from smoke_airflow import CLEARED, dag, find_variable, get_current_context, task

LONGER_THAN_AN_END = timedelta(seconds=30)
"""Retry delay. Before the next try, the ended container must be STOPPED and explained."""
GIVEN_UP_AFTER = 480.0
"""Seconds; a task that waits this long was forgotten, and fails."""
WITH_STANDBYS = "urgent"
"""The queue that has standby containers; ``smoke/standbys.py``."""
SCHEDULER_IS_BACK = "smoke_scheduler_is_back"
"""The variable that says that there is a new scheduler."""
API_SERVER_IS_BACK = "smoke_api_server_is_back"
"""The variable that says that the API server was down."""


def _wait_for(variable: str) -> None:
    deadline = time.monotonic() + GIVEN_UP_AFTER
    while find_variable(variable) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"there is no {variable}")
        time.sleep(1)


def _wait() -> None:
    """Wait to be disturbed."""
    number = get_current_context()["ti"].try_number
    print(f"try {number} waits to be disturbed")
    time.sleep(GIVEN_UP_AFTER)
    raise RuntimeError("nothing came")


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 0},
    tags=["smoke"],
)
def smoke_disturbed() -> None:
    """Tasks that are disturbed while they run."""

    @task(queue=WITH_STANDBYS, retries=2, retry_delay=LONGER_THAN_AN_END)
    def taken_away() -> None:
        """Lose the first container to StopTask and the second to SIGKILL; the third one succeeds."""
        number = get_current_context()["ti"].try_number
        if number < 3:
            _wait()
        print(f"try {number} was left alone")

    @task(queue=WITH_STANDBYS)
    def outlives_its_scheduler() -> None:
        """Run while the scheduler that launched it is killed, until a new one has adopted it."""
        print("this waits to be disturbed: another scheduler")
        _wait_for(SCHEDULER_IS_BACK)
        print("another scheduler has taken over")

    @task(queue=WITH_STANDBYS, executor_config={"env": {"SMOKE": "no standby has this"}})
    def outlives_an_api_server() -> None:
        """Run while the API server is away, in a container of its own: no standby can run it."""
        print("this waits to be disturbed: no API server for a while")
        _wait_for(API_SERVER_IS_BACK)
        print("the API server is back")

    @task
    def marked_failed() -> None:
        """Run until a person marks it failed."""
        _wait()

    @task(**CLEARED)
    def cleared() -> None:
        """Run until a person clears it, then succeed."""
        ti = get_current_context()["ti"]
        if ti.try_number < 2:
            _wait()
        print(f"try {ti.try_number} was left alone, retries left: {ti.max_tries - ti.try_number + 1}")

    taken_away()
    outlives_its_scheduler()
    outlives_an_api_server()
    marked_failed()
    cleared()


smoke_disturbed()
