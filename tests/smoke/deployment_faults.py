"""The faults of `make smoke FAULTS=1`: they happen while a DAG runs, and no task may notice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from smoke.checks import Finding
from smoke.evidence import key_of_tags, tags_of
from smoke.failure import SmokeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smoke.deployed_airflow import DeployedAirflow
    from smoke.engine import Engine

DAG, OUTLASTS = "smoke_faults", "outlasts"
TASKS = {OUTLASTS: 3, "afterwards": 1}
RUN_SECONDS, SERVICE_SECONDS, DEPLOY_SECONDS = 900.0, 300.0, 600.0
OUTAGE_SECONDS = 120.0
NOTICED_SECONDS = 60.0
"""Seconds after the outage in which a component that exited would have been replaced."""
HUNG, HUNG_SECONDS = "dag-processor", 700.0
"""A heartbeat is 300 s old, and three health checks 30 s apart have failed, before ECS replaces a component;
SIGTERM does not end a stopped process, so SIGKILL ends it 60 s later."""


class Faults:
    """Runs the DAG and breaks parts of the deployment while it runs.

    Args:
        airflow: the deployment.
        engine: runs the containers.
        note: receives a line about each fault.
    """

    def __init__(self, airflow: DeployedAirflow, engine: Engine, note: Callable[[str], None]) -> None:
        self.airflow, self.engine, self.note = airflow, engine, note
        self.ecs, self.cluster = airflow.client("ecs"), airflow.outputs["cluster_name"]
        self.services = list(airflow.outputs["service_names"].values())
        self.api = airflow.api()
        self.poll = airflow.poll

    def run(self) -> list[Finding]:
        """Run, disturb, check; return the findings."""
        run_id = self.api.trigger(DAG)
        self.poll(lambda: self._running(run_id) == TASKS[OUTLASTS], SERVICE_SECONDS, "The start of the tasks")
        self.note(f"{HUNG} hangs")
        hung = self._hang()
        self.note("the database password is rotated")
        self._rotate()
        self.note(f"the database is away for {OUTAGE_SECONDS:.0f} s")
        findings = [Finding("a database outage of two minutes restarts no component", self._outage())]
        self.note(f"waiting for a new {HUNG} in place of the one that hangs")
        findings.append(Finding("a component that hangs is replaced", self._replaced(hung)))
        self.note("every service is redeployed")
        self._redeploy()
        self.note("waiting for the run's end")
        over = ("success", "failed")
        self.poll(lambda: self.api.run_state(DAG, run_id) in over, RUN_SECONDS, "The end of the run")
        findings.append(
            Finding("every task under the faults succeeded, in its first try", self._outcomes(run_id))
        )
        findings.append(Finding("and in one container", self._containers()))
        return findings

    def _running(self, run_id: str) -> int:
        instances = self.api.task_instances(DAG, run_id)
        return sum(one["task_id"] == OUTLASTS and one["state"] == "running" for one in instances)

    def _hang(self) -> str:
        """Stop the processes of a component with SIGSTOP; return the ARN of its task.

        All but the first one: that is the container's init, which would leave its child running.
        """
        (task,) = self.airflow.tasks(HUNG)
        (container,) = [each for each in task["containers"] if each["name"] == HUNG]
        if self.engine.ask("exec", container["runtimeId"], "sh", "-c", "kill -s STOP -- -1") is None:
            raise SmokeError(f"The container engine did not stop the processes of {HUNG}.")
        return str(task["taskArn"])

    def _replaced(self, hung: str) -> tuple[str, ...]:
        def healthy() -> bool:
            others = [task for task in self.airflow.tasks(HUNG) if task["taskArn"] != hung]
            return any(task.get("healthStatus") == "HEALTHY" for task in others)

        self.poll(healthy, HUNG_SECONDS, f"A new container of {HUNG}")
        (task,) = self.ecs.describe_tasks(cluster=self.cluster, tasks=[hung])["tasks"]
        reason = task.get("stoppedReason", "")
        return () if "health checks" in reason else (f"its stop reason is {reason!r}",)

    def _outage(self) -> tuple[str, ...]:
        """Stop the database for two minutes; return what was restarted meanwhile or a minute later."""
        services = [name for name in self.services if name != HUNG]
        self.poll(lambda: self._healthy(services), SERVICE_SECONDS, "A healthy container of each service")
        before = {name: self.airflow.arns(name) for name in services}
        rds, name = self.airflow.client("rds"), self._database()["DBInstanceIdentifier"]
        rds.stop_db_instance(DBInstanceIdentifier=name)
        self.airflow.session.stop.wait(OUTAGE_SECONDS)
        rds.start_db_instance(DBInstanceIdentifier=name)
        self.poll(self.api.dag_ids, SERVICE_SECONDS, "An answer after the database came back")
        self.airflow.session.stop.wait(NOTICED_SECONDS)
        after = {name: self.airflow.arns(name) for name in services}
        return tuple(f"{name} has another container" for name in services if before[name] != after[name])

    def _healthy(self, services: list[str]) -> bool:
        tasks = [task for name in services for task in self.airflow.tasks(name)]
        return all(task.get("healthStatus") == "HEALTHY" for task in tasks)

    def _database(self) -> dict[str, Any]:
        (database,) = self.airflow.client("rds").describe_db_instances()["DBInstances"]
        found: dict[str, Any] = database
        return found

    def _rotate(self) -> None:
        """Rotate the database password, and wait until the secret has the new one."""
        database = self._database()
        secret = database["MasterUserSecret"]["SecretArn"]
        before = self.airflow.password_of(secret)
        self.airflow.client("rds").modify_db_instance(
            DBInstanceIdentifier=database["DBInstanceIdentifier"],
            RotateMasterUserPassword=True,
            ApplyImmediately=True,
        )
        self.poll(
            lambda: self.airflow.password_of(secret) != before, SERVICE_SECONDS, "A new database password"
        )
        self.poll(self.api.dag_ids, SERVICE_SECONDS, "An answer with the new database password")

    def _redeploy(self) -> None:
        for name in self.services:
            self.ecs.update_service(cluster=self.cluster, service=name, forceNewDeployment=True)

        def steady() -> bool:
            found = self.ecs.describe_services(cluster=self.cluster, services=self.services)["services"]
            return all(
                len(each["deployments"]) == 1 and each["runningCount"] == each["desiredCount"]
                for each in found
            )

        self.poll(steady, DEPLOY_SECONDS, "The end of all deployments")

    def _outcomes(self, run_id: str) -> tuple[str, ...]:
        instances = self.api.task_instances(DAG, run_id)
        wrong = [
            f"{one['task_id']} ended as {one['state']} in try {one['try_number']}"
            for one in instances
            if (one["state"], one["try_number"]) != ("success", 1)
        ]
        ran = Counter(one["task_id"] for one in instances)
        return (*wrong, *(f"{name} ran {ran[name]} times" for name in TASKS if ran[name] != TASKS[name]))

    def _containers(self) -> tuple[str, ...]:
        keys = [key_of_tags(tags_of(task)) for task in self.airflow.cloud.tasks()]
        launched = Counter(key[1] for key in keys if key[0] == DAG)
        return tuple(
            f"{name} had {launched[name]} containers, not {wanted}"
            for name, wanted in TASKS.items()
            if launched[name] != wanted
        )
