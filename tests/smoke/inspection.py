"""Collects the evidence from Airflow's API, AWS's API, the local cloud's own pages and the services' logs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from smoke.evidence import Evidence, as_text, parse_containers, parse_event_log, parse_try
from smoke.failure import StoppedError

if TYPE_CHECKING:
    from smoke.airflow_api import AirflowApi
    from smoke.airflow_services import AirflowHome
    from smoke.dag_runs import DagRuns
    from smoke.evidence import Try
    from smoke.gathering import Gathering

QUEUE_EMPTY_WITHIN = 120.0


class Inspection:
    """Collects the evidence of a run.

    Args:
        gathering: calls AWS's API.
        home: the Airflow that ran.
        outputs: Terraform's outputs.
    """

    def __init__(self, gathering: Gathering, home: AirflowHome, outputs: dict[str, Any]) -> None:
        self._gathering = gathering
        self._gather = gathering.ask
        self._home = home
        self._outputs = outputs

    def attach(self) -> None:
        """Start to record task state changes."""
        self._gather("attach")

    @property
    def container_name(self) -> str:
        """The name of the worker's container in a task."""
        return str(self._outputs["container_name"])

    def stop_task(self, arn: str) -> None:
        """Stop a task as the AWS console or CLI does."""
        self._gather(
            "stop", cluster=self._outputs["cluster_name"], task=arn, reason="smoke: somebody stopped this"
        )

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
        deadline = time.monotonic() + QUEUE_EMPTY_WITHIN
        while any(self._collect([])["depths"].values()) and time.monotonic() < deadline:
            if self._gathering.programs.stop.wait(1):
                raise StoppedError("stopped")

    def look(self, api: AirflowApi, runs: DagRuns) -> Evidence:
        """Collect everything that is only visible while the services run."""
        arns = [task["taskArn"] for task in self._gathering.cloud.ask("tasks")["tasks"]]
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
            **{
                f"the log of the {name}": (self._gathering.settings.logs / f"{name}.log").read_text(
                    errors="replace"
                )
                for name in ("scheduler", self._home.release.server, "dag-processor", "local-cloud")
            },
        }
        return Evidence(
            run_states=dict(runs.states),
            final_states=final,
            tries=tuple(tries),
            containers=parse_containers(collected["described"], collected["streams"]),
            texts=texts,
            events=tuple(events),
            queue_depths=collected["depths"],
            event_log=parse_event_log(entries),
            handovers=tuple(runs.disturber.handovers.values()),
            inventory=None,
            secrets=self._home.secrets,
        )
