"""Collects the evidence from Airflow's API, AWS's API, the local cloud's own pages and the services' logs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from smoke import standbys
from smoke.evidence import Evidence, as_text, parse_containers, parse_event_log, parse_try
from smoke.failure import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smoke.airflow_api import AirflowApi
    from smoke.airflow_releases import AirflowRelease
    from smoke.dag_runs import DagRuns
    from smoke.evidence import Container, Try
    from smoke.expectations import Expectations
    from smoke.gathering import Gathering

NOT_OF_THE_EXECUTOR = ("ecs-svc/", "make-up-doctor")
"""``startedBy`` of the containers of services, and of the doctor that ``make up`` asks."""
QUEUE_EMPTY_WITHIN = 120.0
STANDBYS_WITHIN = 90.0


@dataclass(frozen=True)
class Observed:
    """The Airflow that ran.

    Args:
        release: its release.
        expected: what its runs should come to.
        secrets: values that must not be readable anywhere.
        logs: returns the text of each component's log, by the component's name.
    """

    release: AirflowRelease
    expected: Expectations
    secrets: tuple[str, ...]
    logs: Callable[[], dict[str, str]]


class Inspection:
    """Collects the evidence of a run.

    Args:
        gathering: calls AWS's API.
        airflow: the Airflow that ran.
        outputs: Terraform's outputs.
    """

    def __init__(self, gathering: Gathering, airflow: Observed, outputs: dict[str, Any]) -> None:
        self._gathering = gathering
        self._gather = gathering.ask
        self._airflow = airflow
        self._outputs = outputs

    def attach(self) -> None:
        """Start to record task state changes."""
        self._gather("attach")

    def stop_task(self, arn: str) -> None:
        """Stop a task as the AWS console or CLI does."""
        self._stop([arn], "smoke: somebody stopped this")

    def _stop(self, arns: list[str], reason: str) -> None:
        self._gather("stop", cluster=self._outputs["cluster_name"], tasks=arns, reason=reason)

    def _tasks(self) -> list[dict[str, Any]]:
        """Return the workers: every task of the cluster but those of services and of the doctor."""
        found = self._gathering.cloud.tasks()
        return [task for task in found if not str(task.get("startedBy", "")).startswith(NOT_OF_THE_EXECUTOR)]

    def _collect(self, task_arns: list[str]) -> dict[str, Any]:
        return self._gather(
            "collect",
            task_arns=task_arns,
            cluster=self._outputs["cluster_name"],
            log_group=self._outputs["log_group_name"],
            event_queue_url=self._outputs["event_queue_url"],
            event_dlq_url=self._outputs["event_dlq_url"],
        )

    def wait_for_empty_queue(self) -> None:
        """Give the executor's listener time for the last events; a check reports the rest."""
        self._wait(lambda: not any(self._collect([])["depths"].values()), QUEUE_EMPTY_WITHIN)

    def wait_for_standbys(self) -> None:
        """Give the executor time to replace used standbys; a check reports those that are missing."""
        self._wait(lambda: self.standbys_that_ran(timedelta(0)) >= standbys.NUMBER, STANDBYS_WITHIN)

    def standbys_that_ran(self, age: timedelta) -> int:
        """Return how many standbys without a task have run for so long."""
        return standbys.running(self._tasks(), datetime.now(timezone.utc), age)

    def stop_standbys(self) -> tuple[Container, ...]:
        """Stop the idle standbys, which outlive their scheduler, and return them when they have stopped."""
        arns = {task["taskArn"] for task in standbys.idle(self._tasks())}
        self._stop(sorted(arns), "smoke: the deployment is being destroyed")

        def theirs() -> list[dict[str, Any]]:
            return [task for task in self._tasks() if task["taskArn"] in arns]

        self._wait(lambda: all(task["lastStatus"] == "STOPPED" for task in theirs()), STANDBYS_WITHIN)
        return parse_containers(theirs(), {})

    def _wait(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            if self._gathering.programs.stop.wait(1):
                raise StoppedError("stopped")

    def look(self, api: AirflowApi, runs: DagRuns) -> Evidence:
        """Collect everything that is only visible while the services run."""
        arns = [task["taskArn"] for task in self._tasks()]
        collected = self._collect(arns)
        events = self._gather("detach")["events"]
        tries: list[Try] = []
        final: dict[tuple[str, str, int], str] = {}
        entries: list[dict[str, Any]] = []
        for dag_id, run_id in runs.ids.items():
            entries += api.event_log(dag_id, run_id)
            for one in api.task_instances(dag_id, run_id):
                task_id, map_index = one["task_id"], int(one["map_index"])
                final[dag_id, task_id, map_index] = str(one["state"])
                for attempt in api.tries(dag_id, run_id, task_id, map_index):
                    ran = attempt["start_date"] is not None and int(attempt["try_number"]) > 0
                    log = (
                        api.log(dag_id, run_id, task_id, map_index, int(attempt["try_number"])) if ran else ""
                    )
                    tries.append(parse_try(dag_id, attempt, log))
        texts = {
            "DescribeTasks": as_text(collected["described"]),
            "the recorded events": as_text(events),
            "CloudWatch": as_text(collected["streams"]),
            "Airflow's log page": "\n".join(one.log for one in tries),
            "Airflow's event log": as_text(entries),
            "the log of the local cloud": self._gathering.settings.read_log("local-cloud"),
            **{f"the log of the {name}": text for name, text in self._airflow.logs().items()},
        }
        containers = parse_containers(collected["described"], collected["streams"])
        return Evidence(
            run_states=dict(runs.states),
            final_states=final,
            tries=tuple(tries),
            containers=tuple(one for one in containers if not one.is_idle_standby),
            texts=texts,
            events=tuple(events),
            queue_depths=collected["depths"],
            event_log=parse_event_log(entries),
            handovers=tuple(runs.disturber.handovers.values()),
            inventory=None,
            expected=self._airflow.expected,
            secrets=self._airflow.secrets,
            has_standbys=self._airflow.release.has_standbys,
            fails_killed_tasks_itself=self._airflow.release.fails_killed_tasks_itself,
            idle=tuple(one for one in containers if one.is_idle_standby),
            scheduler_killed=runs.disturber.scheduler_killed,
        )
