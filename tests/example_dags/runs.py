"""Runs DAGs by hand through Airflow's API, a few at a time, and notes how their tasks ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from smoke.failure import SmokeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smoke.airflow_api import AirflowApi
    from smoke.processes import Programs

AT_ONCE = 6
"""DAG runs under way: enough for two cores, few enough that no heartbeat is missed."""
PARSED_WITHIN, SETTLED_AFTER, DONE_WITHIN, POLL = 150.0, 15.0, 420.0, 2.0

Ended = dict[str, dict[str, str]]
"""DAG -> task (with its map index) -> final state; "" -> the run's own."""


def all_dags(api: AirflowApi, programs: Programs, expected: int) -> list[dict[str, Any]]:
    """Wait until the DAG processor has found the examples, and return them."""
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


def run_all(api: AirflowApi, programs: Programs, names: Sequence[str], note: Callable[[str], None]) -> Ended:
    """Run every DAG once; what is not over in time is noted as such.

    Raises:
        SmokeError: a service died.
    """
    waiting, ended = list(names), Ended()
    going: dict[str, tuple[str, float]] = {}
    while waiting or going:
        while waiting and len(going) < AT_ONCE:
            name = waiting.pop(0)
            api._call("PATCH", f"/api/v2/dags/{name}", {"is_paused": False})
            going[name] = (api.trigger(name), time.monotonic() + DONE_WITHIN)
        for name, (run_id, until) in list(going.items()):
            state = api.run_state(name, run_id)
            if state in {"success", "failed"} or time.monotonic() > until:
                del going[name]
                ended[name] = {"": state} | _states(api, name, run_id)
                # What its assets set off is not what is compared.
                api._call("PATCH", f"/api/v2/dags/{name}", {"is_paused": True})
                note(f"{len(ended)} of {len(names)} DAGs over")
        _pause(programs)
    return ended


def _states(api: AirflowApi, name: str, run_id: str) -> dict[str, str]:
    return {
        one["task_id"] + (f"[{one['map_index']}]" if one["map_index"] >= 0 else ""): str(one["state"])
        for one in api.task_instances(name, run_id)
    }


def _pause(programs: Programs) -> None:
    programs.check()
    if programs.stop.wait(POLL):
        raise StoppedError("interrupted")
