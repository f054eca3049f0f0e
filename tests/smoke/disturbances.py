"""Disturbs the DAG runs from outside: kills containers and services, clears and stops tasks.

Each disturbance happens as soon as its task is ready. ``smoke_disturbed`` waits for all of them, while its
other tasks and the other DAGs run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from smoke.evidence import Handover, key_of_tags, tags_of
from smoke.expectations import DISTURBED, LEFT_TO_THE_NEXT, OUTCOMES, READY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smoke.airflow_api import AirflowApi
    from smoke.cloud import LocalCloud

EXPLAINED = "out_of_memory"
SCHEDULER_IS_BACK = "smoke_scheduler_is_back"
API_SERVER_IS_BACK = "smoke_api_server_is_back"
ADOPTED = re.compile(r"Adopted \d+ of \d+ tasks: (.*)")
KEY = re.compile(r"dag_id='([^']+)', task_id='([^']+)', .*?try_number=(\d+), map_index=(-?\d+)")

Instance = dict[str, Any]


@dataclass
class Means:
    """The tools of the disturber.

    Args:
        api: Airflow's API.
        cloud: knows which container runs which try.
        stop_task: calls StopTask for an ARN, as in the AWS console.
        replace_scheduler: kills the scheduler with SIGKILL; another one starts.
        scheduler_log: returns the schedulers' log so far.
        replace_api_server: kills the API server with SIGKILL, and returns when another one answers.
    """

    api: AirflowApi
    cloud: LocalCloud
    stop_task: Callable[[str], None]
    replace_scheduler: Callable[[], None]
    scheduler_log: Callable[[], str]
    replace_api_server: Callable[[], None]


@dataclass
class Disturber:
    """Looks at the running task instances at every poll, and does what is due.

    Args:
        means: its tools.
        note: receives a line about each disturbance.
    """

    means: Means
    note: Callable[[str], None]
    run_id: str = ""
    done: list[str] = field(default_factory=list)
    left_behind: dict[str, Instance] = field(default_factory=dict)
    handovers: dict[str, Handover] = field(default_factory=dict)
    scheduler_killed: datetime | None = None
    _waiting: dict[tuple[str, int], str] = field(default_factory=dict)

    def look(self, run_id: str, instances: Iterable[Instance]) -> None:
        """Do what is due now.

        Args:
            run_id: the run of ``smoke_disturbed``.
            instances: the task instances of all runs.
        """
        self.run_id = run_id
        now = {_name(one): one for one in instances}
        ours = {one["task_id"]: one for one in now.values() if one["dag_id"] == DISTURBED}
        if "scheduler" not in self.done:
            ready = all(name in ours and self._ready(ours[name]) for name in LEFT_TO_THE_NEXT)
            if ready and self._is_explained(now.get(f"{OUTCOMES}.{EXPLAINED}")):
                self.left_behind = {name: one for name, one in now.items() if one["state"] == "running"}
                self.means.replace_scheduler()
                self.scheduler_killed = datetime.now(timezone.utc)
                self._did("scheduler", "killed the scheduler")
        elif "handed over" not in self.done:
            self._watch_handover(now)
        else:
            self._take_away(ours.get("taken_away"))
            self._take_api_server(ours.get("outlives_an_api_server"))

    def _is_explained(self, instance: Instance | None) -> bool:
        """Return whether Airflow's event log says why the task ended.

        Do not kill the scheduler before: Airflow does not offer a failed task to the new one.
        """
        if instance is None or instance["state"] != "failed":
            return False
        entries = self.means.api.event_log(OUTCOMES, instance["dag_run_id"])
        return any(one["event"] == "fargate" and one["task_id"] == EXPLAINED for one in entries)

    def _take_away(self, victim: Instance | None) -> None:
        """Stop two containers one after the other, now that a scheduler can report why they ended."""
        means = self.means
        for number, what, act in ((1, "stopped", means.stop_task), (2, "killed", means.cloud.kill)):
            if what not in self.done and victim and int(victim["try_number"]) == number:
                arn = self._ready(victim)
                if arn:
                    act(arn)
                    self._did(what, f"{what} try {number} of taken_away")

    def _take_api_server(self, victim: Instance | None) -> None:
        """Take the API server away while a task runs, after all other disturbances."""
        due = {"stopped", "killed"} <= set(self.done) and "api server" not in self.done
        if due and victim and self._ready(victim):
            self.means.replace_api_server()
            self.means.api.set_variable(API_SERVER_IS_BACK, "yes")
            self._did("api server", "killed the API server, and another one answers")

    def _watch_handover(self, now: dict[str, Instance]) -> None:
        adopted = _adopted(self.means.scheduler_log())
        for name, before in self.left_behind.items():
            runs_on = now[name]["try_number"] == before["try_number"] and now[name]["state"] == "running"
            taken_over = (name, int(before["try_number"])) in adopted
            self.handovers[name] = Handover(name, taken_over, ended=not runs_on)
        if all(each.taken_over or each.ended for each in self.handovers.values()):
            api = self.means.api
            api.set_variable(SCHEDULER_IS_BACK, "yes")
            api.mark_failed(DISTURBED, self.run_id, "marked_failed")
            api.clear(DISTURBED, self.run_id, "cleared")
            self._did(
                "handed over", "the new scheduler has adopted the tasks; marked one failed and cleared one"
            )

    def _did(self, what: str, line: str) -> None:
        self.done.append(what)
        self.note(line)

    def _ready(self, instance: Instance) -> str:
        """Return the ARN of the container in which this try waits; empty if it does not wait yet.

        The task prints a line to its log when it waits, which Airflow's UI shows while it runs.
        """
        if instance["state"] != "running":
            return ""
        this = instance["task_id"], int(instance["try_number"])
        if this not in self._waiting:
            arn = self._arn(*this)
            if not arn or READY not in self.means.api.log(DISTURBED, self.run_id, this[0], -1, this[1]):
                return ""
            self._waiting[this] = arn
        return self._waiting[this]

    def _arn(self, task_id: str, number: int) -> str:
        for task in self.means.cloud.tasks():
            key = key_of_tags(tags_of(task))
            if key == (DISTURBED, task_id, -1, number) and task["lastStatus"] == "RUNNING":
                return str(task["taskArn"])
        return ""


def _name(instance: Instance) -> str:
    mapped = f"[{instance['map_index']}]" if int(instance["map_index"]) >= 0 else ""
    return f"{instance['dag_id']}.{instance['task_id']}{mapped}"


def _adopted(log: str) -> set[tuple[str, int]]:
    """Return name and try number of the tasks that a scheduler has adopted, according to its log."""
    found = set()
    for line in ADOPTED.findall(log):
        for dag_id, task_id, number, map_index in KEY.findall(line):
            instance = {"dag_id": dag_id, "task_id": task_id, "map_index": map_index}
            found.add((_name(instance), int(number)))
    return found
