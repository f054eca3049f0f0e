"""Triggers DAGs through Airflow's API, a few at a time, and records how their tasks ended."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from example_dags.choice import COMPANIONS, CONF
from smoke.failure import SmokeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smoke.airflow_api import AirflowApi
    from smoke.processes import Programs

AT_ONCE = 8
"""DAG runs at the same time: enough for two cores, and few enough that no heartbeat is missed."""
OVER = frozenset({"success", "failed"})
PARSED_WITHIN, SETTLED_AFTER, DONE_WITHIN, POLL = 300.0, 30.0, 420.0, 2.0

ASKED_AGAIN = 3
LOGICAL_DATE = "2026-01-01T00:00:00Z"
"""The same date for both executors, for templates such as `ds` and `data_interval_end`."""

Ended = dict[str, dict[str, str]]
"""DAG -> task with its map index -> final state; the key "" has the state of the run."""
Answer = TypeVar("Answer")


def all_dags(api: AirflowApi, programs: Programs, expected: int) -> list[dict[str, Any]]:
    """Wait until the DAG processor has found the example DAGs, and return them."""
    until = time.monotonic() + PARSED_WITHIN
    before, since = 0, time.monotonic()
    while True:
        found: list[dict[str, Any]] = []
        for offset in (0, 100):
            found += api._call("GET", f"/api/v2/dags?limit=100&offset={offset}&exclude_stale=false")["dags"]
        if len(found) != before:
            before, since = len(found), time.monotonic()
        elif len(found) >= expected and time.monotonic() - since > SETTLED_AFTER:
            return found
        if time.monotonic() > until:
            raise SmokeError(f"The DAG processor found {len(found)} of {expected} example DAGs.")
        _pause(programs)


def run_all(  # noqa: PLR0913, PLR0917  each is one property of the run
    api: AirflowApi,
    programs: Programs,
    names: Sequence[str],
    note: Callable[[str], None],
    ended: Ended,
    until: float = math.inf,
) -> None:
    """Run every DAG once, and record its states, even if it did not end in time.

    Args:
        api: Airflow's API.
        programs: raises if a service died or a person interrupts.
        names: the DAGs.
        note: prints progress.
        ended: receives the states DAG by DAG, so that a failure keeps what came before it.
        until: time on the monotonic clock after which no DAG is started.

    Raises:
        SmokeError: a service died.
    """
    waiting = list(names)
    going: dict[str, tuple[str, float]] = {}
    while (waiting and time.monotonic() < until) or going:
        while waiting and len(going) < AT_ONCE and time.monotonic() < until:
            name = waiting.pop(0)
            for each in filter(None, (name, COMPANIONS.get(name))):
                api._call("PATCH", f"/api/v2/dags/{each}", {"is_paused": False})
            run_id = api.trigger(name, logical_date=LOGICAL_DATE, conf=CONF.get(name, {}))
            going[name] = (run_id, time.monotonic() + DONE_WITHIN)
        states = _retried(lambda: _run_states(api), programs)
        for name, (run_id, limit) in list(going.items()):
            state = states.get((name, run_id), "queued")
            if state in OVER or time.monotonic() > limit:
                del going[name]
                ended[name] = {"": state} | _retried(partial(_states, api, name, run_id), programs)
                # Runs that its assets trigger are not compared.
                api._call("PATCH", f"/api/v2/dags/{name}", {"is_paused": True})
                note(f"{len(ended)} of {len(names)} DAGs ended")
        _pause(programs)


def _retried(ask: Callable[[], Answer], programs: Programs) -> Answer:
    """Repeat a call that a busy API server did not answer; the runs go on."""
    for _ in range(ASKED_AGAIN):
        try:
            return ask()
        except SmokeError:
            _pause(programs)
    return ask()


def _run_states(api: AirflowApi) -> dict[tuple[str, str], str]:
    """Return the states of the latest runs of all DAGs in one call: tasks need the API server too."""
    found = api._call("GET", "/api/v2/dags/~/dagRuns?order_by=-id&limit=100")["dag_runs"]
    return {(run["dag_id"], run["dag_run_id"]): str(run["state"]) for run in found}


def _states(api: AirflowApi, name: str, run_id: str) -> dict[str, str]:
    return {
        one["task_id"] + (f"[{one['map_index']}]" if one["map_index"] >= 0 else ""): str(one["state"])
        for one in api.task_instances(name, run_id)
    }


def _pause(programs: Programs) -> None:
    programs.check()
    if programs.stop.wait(POLL):
        raise StoppedError("interrupted")
