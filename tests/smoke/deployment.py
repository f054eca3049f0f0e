"""`make smoke-deployment`: the complete deployment on the local cloud, by the commands that a user runs.

`make up` makes Airflow from an empty account; `make dags` uploads a DAG; its run is watched through Airflow's
API while the API container is killed, the database password is rotated, every service is redeployed and the
scheduler is killed; `make destroy` empties the account again. Nothing of Airflow runs beside the local cloud.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke import environment, terraform
from smoke.airflow_api import AirflowApi
from smoke.base_image import ensure_base
from smoke.checks import Finding
from smoke.cloud import start_cloud
from smoke.engine import ensure_engine
from smoke.failure import SmokeError, StoppedError
from smoke.image_registry import start_registry
from smoke.settings import ROOT
from smoke.steps import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from smoke.cloud import LocalCloud
    from smoke.engine import Engine
    from smoke.session import Session

DAGS = ROOT / "tests" / "smoke" / "deployment_dags"
DAG = "deployment_smoke"
NAME = "smoke"
UP_SECONDS, RUN_SECONDS, SERVICE_SECONDS = 1800.0, 900.0, 300.0
EXPECTED = {
    "first": "success",
    "second": "success",
    "square": "success",
    "fails": "failed",
    "outlasts": "success",
    "deferred": "success",
}
STUBS = {"session-manager-plugin": "echo this local cloud has no SSM sessions", "aws": "exit 0"}
"""Programs that `make up` looks for and the local cloud does not need."""


FASTER = {"REFRESH_INTERVAL": 10, "BUNDLE_REFRESH_CHECK_INTERVAL": 5, "MIN_FILE_PROCESS_INTERVAL": 10}
"""Seconds; by default, Airflow looks for new DAGs every five minutes."""
EXTRA_DOCKERFILE = """\
ARG WORKER_IMAGE
FROM ${WORKER_IMAGE}
COPY rds-ca.pem /opt/rds-ca.pem
COPY smoke_package.py /opt/extra/smoke_package.py
ENV PGSSLROOTCERT=/opt/rds-ca.pem PYTHONPATH=/opt/extra
"""


class DeploymentApi(AirflowApi):
    """Airflow's API with FAB's login."""

    def log_in_as(self, user: str, password: str) -> None:
        """Get a token.

        Raises:
            SmokeError: Airflow rejects the login.
        """
        body = {"username": user, "password": password}
        self._token = self._call("POST", "/auth/token", body)["access_token"]


@dataclass
class Deployment:
    """One run.

    Args:
        session: this run's tools.
        terraform_program: path of Terraform.
    """

    session: Session
    terraform_program: str
    findings: list[Finding] = field(default_factory=list)
    times: list[tuple[str, float]] = field(default_factory=list)

    def run(self) -> list[Finding]:
        """Run all steps and return the findings.

        Raises:
            SmokeError: a step failed.
        """
        session, settings, programs = self.session, self.session.settings, self.session.programs
        plan = Plan(session.progress, session.stop, programs.check)
        venv = plan.add("virtual environment", lambda: environment.make("dev"))
        engine = plan.add("container engine", lambda: ensure_engine(programs, settings))
        tf = plan.add("terraform copy", self._terraform)
        registry = plan.add(
            "registry",
            lambda: start_registry(programs, settings, engine.value, session.note_port("REGISTRY_PORT")),
            [engine],
        )
        cloud = plan.add(
            "local cloud",
            lambda: start_cloud(
                programs,
                settings,
                engine.value,
                venv.value / "bin" / "python",
                (session.note_port("CLOUD_PORT"), registry.value),
            ),
            [engine, venv, registry],
        )
        base = plan.add(
            "base image",
            lambda: ensure_base(
                programs, settings, engine.value, lambda text: session.progress.note("base image", text)
            ),
            [engine],
        )
        up = plan.add(
            "make up",
            lambda: self._command(
                tf.value,
                engine.value,
                cloud.value,
                "up",
                f"NAME={NAME}",
                "AUTO_APPROVE=1",
                f"REGISTRY={registry.value}",
                f"BASE_IMAGE={base.value}",
                f"EXTRA={self._extra(cloud.value)}",
                seconds=UP_SECONDS,
            ),
            [tf, cloud, base],
        )
        planned = plan.add("second plan", lambda: self._second_plan(tf.value, cloud.value), [up])
        opened = plan.add(
            "make dags",
            lambda: self._command(tf.value, engine.value, cloud.value, "dags", f"FROM={DAGS}"),
            [planned],
        )
        runs = plan.add("DAG run", lambda: self._runs(tf.value, engine.value, cloud.value), [opened])
        if not settings.keep:
            gone = plan.add(
                "make destroy",
                lambda: self._command(
                    tf.value,
                    engine.value,
                    cloud.value,
                    "destroy",
                    f"CONFIRM={NAME}",
                    "SNAPSHOT=0",
                    seconds=900.0,
                ),
                [runs],
            )
            plan.add("account is empty", lambda: self._empty(cloud.value), [gone])
        plan.run()
        return self.findings

    # --- steps ---------------------------------------------------------------------------------------------

    def _terraform(self) -> terraform.Terraform:
        copy = terraform.copy_configuration(
            self.session.programs, self.session.settings, self.terraform_program
        )
        folder = copy.folder.parents[1] / "airflow_on_ecs"
        shutil.copy(terraform.TESTS / "local_override.tf", folder)
        inputs = {
            "flow_log": False,  # a second plan of moto's flow log differs
            "environment": {f"AIRFLOW__DAG_PROCESSOR__{name}": str(value) for name, value in FASTER.items()},
        }
        (folder / "local.auto.tfvars.json").write_text(json.dumps(inputs), encoding="utf-8")
        stubs = self.session.settings.state / "bin"
        stubs.mkdir(parents=True, exist_ok=True)
        for name, body in STUBS.items():
            file = stubs / name
            file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return terraform.Terraform(copy.programs, copy.program, folder, copy.cli_configuration)

    def _extra(self, cloud: LocalCloud) -> Path:
        """Return a folder for EXTRA: the local cloud's database CA, and a package that the DAG imports."""
        folder = self.session.settings.state / "extra"
        folder.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"{cloud.url}/_local/rds-ca.pem", timeout=30) as reply:  # noqa: S310  loopback
            (folder / "rds-ca.pem").write_bytes(reply.read())
        (folder / "smoke_package.py").write_text('GREETING = "from an added package"\n', encoding="utf-8")
        (folder / "Dockerfile").write_text(EXTRA_DOCKERFILE, encoding="utf-8")
        return folder

    def _environment(self, tf: terraform.Terraform, engine: Engine, cloud: LocalCloud) -> dict[str, str]:
        stubs = self.session.settings.state / "bin"
        client = Path(engine.client).parent
        return {
            **engine.environment,
            **cloud.environment,
            "TF_CLI_CONFIG_FILE": str(tf.cli_configuration),
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "1",
            "TERRAFORM": tf.program,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{os.environ['PATH']}:{client}:{stubs}",
        }

    def _command(
        self,
        tf: terraform.Terraform,
        engine: Engine,
        cloud: LocalCloud,
        name: str,
        *arguments: str,
        seconds: float = 300.0,
    ) -> None:
        command = [sys.executable, "-m", "terraform.commands", name, f"TERRAFORM_DIR={tf.folder}", *arguments]
        self.session.programs.run(
            command, f"make-{name}", env=self._environment(tf, engine, cloud), cwd=ROOT, timeout=seconds
        )

    def _second_plan(self, tf: terraform.Terraform, cloud: LocalCloud) -> None:
        changes = tf.unknown_changes_of_second_plan(cloud.environment)
        self.findings.append(Finding("a second plan of the deployment changes nothing", changes))

    def _outputs(self, tf: terraform.Terraform, engine: Engine, cloud: LocalCloud) -> dict[str, Any]:
        done = subprocess.run(
            [tf.program, f"-chdir={tf.folder}", "output", "-json"],
            env=self._environment(tf, engine, cloud) | {"TF_CLI_ARGS": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        return {name: each["value"] for name, each in json.loads(done.stdout).items()}

    def _runs(self, tf: terraform.Terraform, engine: Engine, cloud: LocalCloud) -> None:
        import boto3  # noqa: PLC0415  the smoke's own environment has it

        outputs = self._outputs(tf, engine, cloud)
        aws = boto3.session.Session("local", "local", region_name=cloud.environment["AWS_REGION"])

        def client(service: str) -> Any:
            return aws.client(service, endpoint_url=cloud.url)

        driver = _Driver(self, client, outputs)
        driver.run()

    def _empty(self, cloud: LocalCloud) -> None:
        left = cloud.ask("inventory")
        names = tuple(f"{kind}: {names}" for kind, names in sorted(left.items()) if names)
        self.findings.append(Finding("make destroy leaves the account empty", names))

    # --- for the driver ------------------------------------------------------------------------------------

    def wait(self, done: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait until ``done`` returns something true, and return that.

        Raises:
            SmokeError: it did not in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            if found := done():
                return found
            if time.monotonic() > deadline:
                raise SmokeError(f"{what} did not happen within {seconds:.0f} s.")
            if self.session.stop.wait(1.5):
                raise StoppedError("stopped")

    def note(self, text: str) -> None:
        """Show what is going on."""
        self.session.progress.note("DAG run", text)


class _Driver:
    """Runs the DAG and disturbs the deployment meanwhile."""

    def __init__(self, deployment: Deployment, client: Callable[[str], Any], outputs: dict[str, Any]) -> None:
        self.deployment, self.client, self.outputs = deployment, client, outputs
        self.ecs = client("ecs")
        self.cluster = outputs["cluster_name"]
        secret = json.loads(
            client("secretsmanager").get_secret_value(SecretId=outputs["admin_secret_arn"])["SecretString"]
        )
        self.user, self.password = secret["username"], secret["password"]
        self.run_id = ""

    def run(self) -> None:
        """Run, disturb, check."""
        deployment = self.deployment
        deployment.findings.append(Finding("a wrong password is rejected with 401", self._wrong_password()))
        api = self.api()
        deployment.wait(lambda: DAG in api.dag_ids(), 180, "The DAG processor's find of the uploaded DAG")
        self.run_id = api.trigger(DAG)
        self._wait_running("outlasts")
        deployment.findings.append(Finding("a running task's log is shown live", self._live_log()))
        for name, act in (
            ("the only API container is killed", self._kill_api),
            ("the database password is rotated", self._rotate),
            ("the scheduler is killed", lambda: self._kill("scheduler")),
            ("every service is redeployed", self._redeploy),
        ):
            deployment.note(name)
            act()
        deployment.note("waiting for the run's end")
        self._poll(
            lambda: self.api().run_state(DAG, self.run_id) in ("success", "failed"),
            RUN_SECONDS,
            "The end of the run",
        )
        deployment.findings.append(Finding("every task ended as expected, once", self._outcomes()))
        deployment.findings.append(Finding("the failed task says why in its log", self._why()))

    def api(self) -> DeploymentApi:
        """Return a client of the API container that runs now, logged in."""

        def ready() -> DeploymentApi | None:
            for address in self._addresses("api"):
                api = DeploymentApi(f"http://{address}:8080")
                try:
                    api.log_in_as(self.user, self.password)
                except SmokeError:
                    continue
                return api
            return None

        found: DeploymentApi = self.deployment.wait(ready, SERVICE_SECONDS, "A login to Airflow")
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

        return self.deployment.wait(quietly, seconds, what)

    def _wrong_password(self) -> tuple[str, ...]:
        self.api()
        address = self._addresses("api")[0]
        body = json.dumps({"username": self.user, "password": "wrong"}).encode()
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

    def _rotate(self) -> None:
        databases = self.client("rds")
        (database,) = databases.describe_db_instances()["DBInstances"]
        databases.modify_db_instance(
            DBInstanceIdentifier=database["DBInstanceIdentifier"],
            RotateMasterUserPassword=True,
            ApplyImmediately=True,
        )
        time.sleep(5)
        self.api().dag_ids()

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

        self._poll(steady, 600, "The end of all deployments")

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

    def _why(self) -> tuple[str, ...]:
        text = self.api().log(DAG, self.run_id, "fails", -1, 1)
        return () if "this task fails on purpose" in text else (f"its log is: {text[:300]}",)
