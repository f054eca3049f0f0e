"""The DAG run of `make smoke-deployment`, the faults under it, and the checks of both."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

from pictures.shots import Login, Shot, take
from smoke.airflow_api import AirflowApi
from smoke.checks import Finding
from smoke.failure import SmokeError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smoke.engine import Engine
    from smoke.session import Session

DAG = "deployment_smoke"
USER = "admin"
RUN_SECONDS, SERVICE_SECONDS, DEPLOY_SECONDS = 900.0, 300.0, 600.0
OUTAGE_SECONDS = 120.0
HUNG, HUNG_SECONDS = "dag-processor", 700.0
"""A heartbeat is 300 s old, and three health checks 30 s apart have failed, before ECS replaces a component;
SIGTERM does not end a stopped process, so SIGKILL ends it 60 s later."""
POLL_SECONDS = 1.5
CONTAINERS = {"first": 1, "second": 1, "square": 3, "fails": 1, "outlasts": 1, "deferred": 2}
FAILURE, GREETING = "this task fails on purpose", "from an added package"
NAME = "smoke"
EXPECTED = {
    "first": "success",
    "second": "success",
    "square": "success",
    "fails": "failed",
    "outlasts": "success",
    "deferred": "success",
}


class DeploymentApi(AirflowApi):
    """Airflow's API with FAB's login."""

    def log_in_as(self, user: str, password: str) -> None:
        """Get a token.

        Raises:
            SmokeError: Airflow rejects the login.
        """
        body = {"username": user, "password": password}
        self._token = self._call("POST", "/auth/token", body)["access_token"]


class DeploymentRun:
    """Runs the DAG and disturbs the deployment meanwhile.

    Args:
        session: this run's tools.
        client: returns a boto3 client of the local cloud.
        outputs: Terraform's outputs by name.
        engine: runs the containers.
    """

    def __init__(
        self, session: Session, client: Callable[[str], Any], outputs: dict[str, Any], engine: Engine
    ) -> None:
        self.session, self.client, self.outputs, self.engine = session, client, outputs, engine
        self.ecs = client("ecs")
        self.cluster = outputs["cluster_name"]
        self.password = self._password_of(outputs["admin_secret_arn"])
        self.run_id = ""

    def run(self) -> list[Finding]:
        """Run, disturb, check; return the findings."""
        findings: list[Finding] = []
        findings.append(Finding("a wrong password is rejected with 401", self._wrong_password()))
        api = self.api()
        self._wait(lambda: DAG in api.dag_ids(), 180, "The DAG processor's find of the uploaded DAG")
        self.run_id = api.trigger(DAG)
        self._wait_running("outlasts")
        findings.append(Finding("a running task's log is shown live", self._live_log()))
        hung = self._hang()
        for name, act in (
            ("the only API container is killed", self._kill_api),
            ("the database password is rotated", self._rotate),
            ("the scheduler is killed", lambda: self._kill("scheduler")),
        ):
            self._note(name)
            act()
        self._note(f"the database is away for {OUTAGE_SECONDS:.0f} s")
        findings.append(Finding("a database outage of two minutes restarts no component", self._outage()))
        self._note(f"waiting for a new {HUNG} in place of the one that hangs")
        findings.append(Finding("a component that hangs is replaced", self._replaced(hung)))
        self._note("every service is redeployed")
        self._redeploy()
        self._note("waiting for the run's end")
        self._poll(
            lambda: self.api().run_state(DAG, self.run_id) in ("success", "failed"),
            RUN_SECONDS,
            "The end of the run",
        )
        findings.append(Finding("every task ended as expected, once", self._outcomes()))
        findings.append(Finding("each try ran in one container", self._containers()))
        findings.append(Finding("the failed task says why in its log", self._in_log("fails", FAILURE)))
        findings.append(Finding("an added package is imported", self._in_log("first", GREETING)))
        return findings

    def take_pictures(self, folder: Path) -> None:
        """Write pictures of the run and of the failed task's log."""
        self.api()
        address = f"http://{self._addresses('api')[0]}:8080"
        run = f"{address}/dags/{DAG}/runs/{self.run_id}"
        shots = [
            Shot(run, "outlasts", str(folder / "airflow_run.png")),
            Shot(f"{run}/tasks/fails", FAILURE, str(folder / "airflow_failure.png")),
        ]
        login = Login(f"{address}/auth/login/", USER, self.password)
        take(self.session.programs, self.session.settings.state, shots, login)

    def _note(self, text: str) -> None:
        self.session.progress.note("DAG run", text)

    def _wait(self, done: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait until ``done`` returns something true, and return that.

        Raises:
            SmokeError: it did not in time.
        """
        deadline = time.monotonic() + seconds
        while not (found := done()):
            if time.monotonic() > deadline:
                raise SmokeError(f"{what} did not happen within {seconds:.0f} s.")
            if self.session.stop.wait(POLL_SECONDS):
                raise StoppedError("stopped")
        return found

    def api(self) -> DeploymentApi:
        """Return a client of the API container that runs now, logged in."""

        def ready() -> DeploymentApi | None:
            for address in self._addresses("api"):
                api = DeploymentApi(f"http://{address}:8080")
                try:
                    api.log_in_as(USER, self.password)
                except SmokeError:
                    continue
                return api
            return None

        found: DeploymentApi = self._wait(ready, SERVICE_SECONDS, "A login to Airflow")
        return found

    def _tasks(self, service: str) -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster=self.cluster, serviceName=service, desiredStatus="RUNNING")[
            "taskArns"
        ]
        return self.ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []

    def _addresses(self, service: str) -> list[str]:
        found = []
        for task in self._tasks(service):
            for attachment in task.get("attachments", []):
                found += [
                    each["value"] for each in attachment["details"] if each["name"] == "privateIPv4Address"
                ]
        return found

    def _poll(self, done: Callable[[], Any], seconds: float, what: str) -> Any:
        def quietly() -> Any:
            try:
                return done()
            except SmokeError:
                return None

        return self._wait(quietly, seconds, what)

    def _wrong_password(self) -> tuple[str, ...]:
        self.api()
        address = self._addresses("api")[0]
        body = json.dumps({"username": USER, "password": "wrong"}).encode()
        request = urllib.request.Request(
            f"http://{address}:8080/auth/token", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
                return (f"it answered {reply.status}",)
        except urllib.error.HTTPError as error:
            return () if error.code == 401 else (f"it answered {error.code}",)

    def _instances(self) -> list[dict[str, Any]]:
        return self.api().task_instances(DAG, self.run_id)

    def _wait_running(self, task_id: str) -> None:
        def running() -> bool:
            return any(one["task_id"] == task_id and one["state"] == "running" for one in self._instances())

        self._poll(running, SERVICE_SECONDS, f"The start of {task_id}")

    def _live_log(self) -> tuple[str, ...]:
        def shown() -> bool:
            return "second 1" in self.api().log(DAG, self.run_id, "outlasts", -1, 1)

        try:
            self._poll(shown, 60, "The log of a running task")
        except SmokeError as error:
            return (error.sentence,)
        return ()

    def _kill(self, service: str) -> None:
        """Kill a service's container as a crash does, and wait for another one."""
        before = {task["taskArn"] for task in self._tasks(service)}
        for arn in before:
            self.ecs.stop_task(cluster=self.cluster, task=arn, reason="killed by the smoke")

        def replaced() -> bool:
            return any(
                task["taskArn"] not in before and task["lastStatus"] == "RUNNING"
                for task in self._tasks(service)
            )

        self._poll(replaced, SERVICE_SECONDS, f"A new container of {service}")

    def _kill_api(self) -> None:
        self._kill("api")
        self.api()

    def _hang(self) -> str:
        """Stop the processes of a component with SIGSTOP; return the ARN of its task.

        All but the first one: that is the container's init, which would leave its child running.
        """
        (task,) = self._tasks(HUNG)
        (container,) = [each for each in task["containers"] if each["name"] == HUNG]
        if self.engine.ask("exec", container["runtimeId"], "sh", "-c", "kill -s STOP -- -1") is None:
            raise SmokeError(f"The container engine did not stop the processes of {HUNG}.")
        return str(task["taskArn"])

    def _replaced(self, hung: str) -> tuple[str, ...]:
        def healthy() -> bool:
            return any(
                task["taskArn"] != hung and task.get("healthStatus") == "HEALTHY"
                for task in self._tasks(HUNG)
            )

        self._poll(healthy, HUNG_SECONDS, f"A new container of {HUNG}")
        (task,) = self.ecs.describe_tasks(cluster=self.cluster, tasks=[hung])["tasks"]
        reason = task.get("stoppedReason", "")
        return () if "health checks" in reason else (f"its stop reason is {reason!r}",)

    def _outage(self) -> tuple[str, ...]:
        """Stop the database for two minutes; return what was restarted meanwhile or a minute later."""
        services = [name for name in self.outputs["service_names"].values() if name != HUNG]
        self._poll(self._all_healthy(services), SERVICE_SECONDS, "A healthy container of each service")
        before = {name: {task["taskArn"] for task in self._tasks(name)} for name in services}
        rds, name = self.client("rds"), self._database()["DBInstanceIdentifier"]
        rds.stop_db_instance(DBInstanceIdentifier=name)
        self.session.stop.wait(OUTAGE_SECONDS)
        rds.start_db_instance(DBInstanceIdentifier=name)
        self._poll(lambda: self.api().dag_ids(), SERVICE_SECONDS, "An answer after the database came back")
        self.session.stop.wait(60)
        after = {name: {task["taskArn"] for task in self._tasks(name)} for name in services}
        return tuple(f"{name} has another container" for name in services if before[name] != after[name])

    def _all_healthy(self, services: list[str]) -> Callable[[], bool]:
        def healthy() -> bool:
            return all(
                task.get("healthStatus") == "HEALTHY" for name in services for task in self._tasks(name)
            )

        return healthy

    def _database(self) -> dict[str, Any]:
        (database,) = self.client("rds").describe_db_instances()["DBInstances"]
        found: dict[str, Any] = database
        return found

    def _rotate(self) -> None:
        """Rotate the database password, and wait until the secret has the new one."""
        database = self._database()
        secret = database["MasterUserSecret"]["SecretArn"]
        before = self._password_of(secret)
        self.client("rds").modify_db_instance(
            DBInstanceIdentifier=database["DBInstanceIdentifier"],
            RotateMasterUserPassword=True,
            ApplyImmediately=True,
        )
        self._wait(lambda: self._password_of(secret) != before, SERVICE_SECONDS, "A new database password")
        self._poll(lambda: self.api().dag_ids(), SERVICE_SECONDS, "An answer with the new database password")

    def _password_of(self, secret: str) -> str:
        value = self.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        return str(json.loads(value)["password"])

    def _redeploy(self) -> None:
        names = list(self.outputs["service_names"].values())
        for name in names:
            self.ecs.update_service(cluster=self.cluster, service=name, forceNewDeployment=True)

        def steady() -> bool:
            found = self.ecs.describe_services(cluster=self.cluster, services=names)["services"]
            return all(
                len(each["deployments"]) == 1 and each["runningCount"] == each["desiredCount"]
                for each in found
            )

        self._poll(steady, DEPLOY_SECONDS, "The end of all deployments")

    def _outcomes(self) -> tuple[str, ...]:
        wrong = []
        seen = set()
        for one in self._instances():
            seen.add(one["task_id"])
            if one["state"] != EXPECTED.get(one["task_id"]):
                wrong.append(f"{one['task_id']} ended as {one['state']}")
            if one["try_number"] > 1:
                wrong.append(f"{one['task_id']} took {one['try_number']} tries")
        return (*wrong, *(f"{missing} did not run" for missing in sorted(set(EXPECTED) - seen)))

    def _containers(self) -> tuple[str, ...]:
        """A deferred task has a second container for the part after its trigger."""
        launched: Counter[str] = Counter()
        for status in ("RUNNING", "STOPPED"):
            arns = self.ecs.list_tasks(cluster=self.cluster, family=f"{NAME}-worker", desiredStatus=status)
            tasks = (
                self.ecs.describe_tasks(cluster=self.cluster, tasks=arns["taskArns"], include=["TAGS"])[
                    "tasks"
                ]
                if arns["taskArns"]
                else []
            )
            for task in tasks:
                tags = {tag["key"]: tag["value"] for tag in task["tags"]}
                launched[tags.get("airflow-fargate:task-id", "no task")] += 1
        return tuple(
            f"{task_id}: {launched[task_id]} containers, expected {CONTAINERS.get(task_id, 0)}"
            for task_id in sorted(launched.keys() | CONTAINERS.keys())
            if launched[task_id] != CONTAINERS.get(task_id, 0)
        )

    def _in_log(self, task_id: str, text: str) -> tuple[str, ...]:
        found = self.api().log(DAG, self.run_id, task_id, -1, 1)
        return () if text in found else (f"{text!r} is not in the log of {task_id}: {found[:300]}",)
