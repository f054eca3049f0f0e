"""Starts the DAG runs and waits until they end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from smoke.expectations import DISTURBED
from smoke.failure import SmokeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smoke.airflow_api import AirflowApi
    from smoke.disturbances import Disturber
    from smoke.expectations import Expectations
    from smoke.processes import Programs

FOUND_WITHIN, STANDBYS_WITHIN, DONE_WITHIN = 180.0, 180.0, 900.0
NO_STANDBYS = "No standbys became ready: see the scheduler's log."
POLL = 1.5
"""Seconds between two polls: each costs the API server time that the tasks need."""
OVER = {"success", "failed", "skipped", "upstream_failed", "removed"}


class DagRuns:
    """One run of every DAG of the smoke.

    Args:
        api: Airflow's API.
        programs: raises if a service died or the run is over.
        disturber: kills, clears and stops things while the runs go on.
        standbys_are_ready: returns whether standbys wait for the tasks of ``smoke_disturbed``.
        expected: the DAGs, and how many task instances they have.
    """

    def __init__(
        self,
        api: AirflowApi,
        programs: Programs,
        disturber: Disturber,
        standbys_are_ready: Callable[[], bool],
        expected: Expectations,
    ) -> None:
        self._api = api
        self._programs = programs
        self.disturber = disturber
        self._standbys_are_ready = standbys_are_ready
        self._expected = expected
        self.ids: dict[str, str] = {}
        self.states: dict[str, str] = {}

    def run(self, note: Callable[[str], None]) -> None:
        """Wait until the DAGs are found, start them, and wait until they end.

        One starts when there are standbys for its tasks. Meanwhile, the others keep the machine busy.
        """
        self._until(self._all_found, FOUND_WITHIN, self._not_found)
        others = (dag_id for dag_id in self._expected.run_states if dag_id != DISTURBED)
        self.ids = {dag_id: self._api.trigger(dag_id) for dag_id in others}
        self._until(self._standbys_are_ready, STANDBYS_WITHIN, lambda: NO_STANDBYS)
        self.ids[DISTURBED] = self._api.trigger(DISTURBED)
        self._until(lambda: self._all_over(note), DONE_WITHIN, self._not_over)

    def _until(self, done: Callable[[], bool], timeout: float, sentence: Callable[[], str]) -> None:
        deadline = time.monotonic() + timeout
        while not done():
            if self._programs.stop.wait(POLL):
                raise StoppedError("stopped")
            if time.monotonic() > deadline:
                raise SmokeError(sentence())

    def _all_found(self) -> bool:
        errors = self._api.import_errors()
        if errors:
            raise SmokeError(f"The DAG processor cannot import a DAG: {errors[0]}.")
        return set(self._expected.run_states) <= self._api.dag_ids()

    def _not_found(self) -> str:
        missing = sorted(set(self._expected.run_states) - self._api.dag_ids())
        return f"The DAG processor did not find {', '.join(missing)} in {FOUND_WITHIN:.0f} s: see its log."

    def _all_over(self, note: Callable[[str], None]) -> bool:
        self.states = {dag_id: self._api.run_state(dag_id, run_id) for dag_id, run_id in self.ids.items()}
        instances = [
            one for dag_id, run_id in self.ids.items() for one in self._api.task_instances(dag_id, run_id)
        ]
        over = sum(one["state"] in OVER for one in instances)
        self.disturber.look(self.ids[DISTURBED], instances)
        note(f"{over} of {len(self._expected.tasks)} task instances ended")
        return all(state in {"success", "failed"} for state in self.states.values())

    def _not_over(self) -> str:
        stuck = [
            f"{one['task_id']} ({one['state']})"
            for dag_id, run_id in self.ids.items()
            for one in self._api.task_instances(dag_id, run_id)
            if one["state"] not in OVER
        ]
        return f"The DAG runs did not end within {DONE_WITHIN:.0f} s; still open: {', '.join(stuck)}."
