"""The loop as a plan: which step needs which, from an empty machine to an empty account."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smoke import airflow_services, checks, environment, postgres, terraform, worker_images
from smoke.airflow_api import AirflowApi
from smoke.base_image import ensure_base
from smoke.cloud import LocalCloud, start_cloud
from smoke.dag_runs import DagRuns
from smoke.disturbances import Disturber, Means
from smoke.engine import Engine, ensure_engine
from smoke.failure import SmokeError
from smoke.image_registry import start_registry
from smoke.inspection import Inspection
from smoke.permissions import judge_permissions
from smoke.steps import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.airflow_services import AirflowHome
    from smoke.checks import Finding
    from smoke.evidence import Evidence
    from smoke.processes import Service
    from smoke.session import Session
    from smoke.steps import Step
    from smoke.terraform import Terraform


@dataclass
class Loop:
    """The whole loop, once.

    Args:
        session: this run's tools.
        terraform_program: path of Terraform.
    """

    session: Session
    terraform_program: str
    evidence: Evidence | None = None
    plan_finding: Finding | None = None
    permissions: Finding | None = None
    airflow_url: str = ""
    docker_host: str = ""
    cloud_url: str = ""
    _scheduler: list[Service] = field(default_factory=list)
    _servers: list[Service] = field(default_factory=list)

    def run(self) -> list[Finding]:
        """Go up, run the DAGs, look, destroy; return the findings.

        Raises:
            SmokeError: a step failed; what is up is for the caller to take down.
        """
        session = self.session
        plan = Plan(session.progress, session.stop, session.programs.check)
        programs, settings = session.programs, session.settings

        venv = plan.add("virtual environment", lambda: environment.make("dev"))
        engine = plan.add("container engine", self._engine)
        tf = plan.add("terraform init", self._terraform)
        registry = plan.add(
            "registry",
            lambda: start_registry(programs, settings, engine.value, session.note_port("REGISTRY_PORT")),
            [engine],
        )
        cloud = plan.add("local cloud", lambda: self._cloud(engine, venv, registry), [engine, venv, registry])
        home = plan.add("Airflow's home", lambda: self._home(engine, venv), [engine, venv])
        database = plan.add("Airflow's database", lambda: self._database(home), [home])
        outputs = plan.add("terraform apply", lambda: self._apply(tf, engine, cloud, home), [tf, cloud, home])
        base = plan.add(
            "base image",
            lambda: ensure_base(
                programs, settings, engine.value, lambda text: session.progress.note("base image", text)
            ),
            [engine],
        )
        worker = plan.add(
            "worker image",
            lambda: worker_images.build_worker(programs, engine.value, base.value),
            [base, venv],
        )
        image = plan.add(
            "smoke image",
            lambda: worker_images.build_with_dags(programs, settings, engine.value, venv.value),
            [worker],
        )
        push = plan.add(
            "push",
            lambda: worker_images.push(
                programs, engine.value, image.value, registry.value, outputs.value["image"]
            ),
            [image, registry, outputs],
        )
        # It needs nothing of Terraform's, so it parses while Terraform waits for AWS.
        plan.add("DAG processor", lambda: self._dag_processor(home), [database])
        api = plan.add("Airflow", lambda: self._airflow(home, cloud, outputs), [database, cloud, outputs])
        inspection = plan.add(
            "event recorder", lambda: self._attach(venv, cloud, outputs), [venv, cloud, outputs]
        )
        runs = plan.add(
            "DAG runs",
            lambda: self._runs(api.value, home, cloud, engine, inspection),
            [api, push, inspection],
        )
        # Now, and not right after apply: until here every core is busy.
        second = plan.add("second terraform plan", lambda: self._second_plan(tf, cloud), [tf, cloud, runs])
        events = plan.add("events consumed", lambda: self._consumed(inspection), [inspection, runs])
        looked = plan.add("look at everything", lambda: self._look(inspection, api, runs), [events, second])
        judged = plan.add("permissions", lambda: self._judge(venv, cloud), [looked, venv, cloud])
        if not settings.keep:
            down = plan.add("scheduler down", self._scheduler_down, [judged])
            plan.add("Airflow down", self._airflow_down, [down])
            destroyed = plan.add(
                "terraform destroy", lambda: tf.value.destroy(cloud.value.environment), [down]
            )
            plan.add("account is empty", lambda: self._inventory(cloud), [destroyed])
        plan.run()
        if self.evidence is None or self.plan_finding is None or self.permissions is None:
            raise SmokeError("The run ended without having looked at anything.")
        return [*checks.run_checks(self.evidence), self.plan_finding, self.permissions]

    def _engine(self) -> Engine:
        engine = ensure_engine(self.session.programs, self.session.settings)
        self.docker_host = engine.host
        whose = "its own" if engine.private else "the one that answers"
        self.session.progress.note("container engine", f"Docker {engine.version}, {whose}")
        return engine

    def _terraform(self) -> Terraform:
        copy = terraform.copy_configuration(
            self.session.programs, self.session.settings, self.terraform_program
        )
        copy.init()
        return copy

    def _cloud(self, engine: Step[Engine], venv: Step[Path], registry: Step[str]) -> LocalCloud:
        port = self.session.note_port("CLOUD_PORT")
        cloud = start_cloud(
            self.session.programs,
            self.session.settings,
            engine.value,
            venv.value / "bin" / "python",
            (port, registry.value),
        )
        self.cloud_url = cloud.url
        return cloud

    def _home(self, engine: Step[Engine], venv: Step[Path]) -> AirflowHome:
        folder = self.session.settings.state / "airflow"
        database = f"sqlite:///{folder / 'airflow.db'}"
        if self.session.settings.database == "postgres":
            database = postgres.start_postgres(self.session.programs, self.session.note_port("POSTGRES_PORT"))
        host = engine.value.gateway
        port = self.session.note_port("AIRFLOW_PORT", host)
        return airflow_services.make_home(folder, venv.value, database, host, port)

    def _database(self, home: Step[AirflowHome]) -> None:
        airflow_services.migrate(self.session.programs, home.value, dict(os.environ))

    def _dag_processor(self, home: Step[AirflowHome]) -> None:
        programs = self.session.programs
        self._servers.append(
            airflow_services.start_service(programs, home.value, dict(os.environ), "dag-processor")
        )

    def _apply(
        self, tf: Step[Terraform], engine: Step[Engine], cloud: Step[LocalCloud], home: Step[AirflowHome]
    ) -> dict[str, Any]:
        environment_of_cloud = cloud.value.environment
        inputs = terraform.variables(
            f"{home.value.url}/execution/", engine.value.gateway, environment_of_cloud
        )
        outputs = tf.value.apply(environment_of_cloud, inputs)
        text = json.dumps(outputs, indent=2)
        (self.session.settings.state / "outputs.json").write_text(text, encoding="utf-8")
        return outputs

    def _airflow(
        self, home: Step[AirflowHome], cloud: Step[LocalCloud], outputs: Step[dict[str, Any]]
    ) -> AirflowApi:
        home.value.config.write_text(outputs.value["airflow_cfg"], encoding="utf-8")
        programs, environment_of_cloud = self.session.programs, cloud.value.environment
        server, scheduler = (
            airflow_services.start_service(programs, home.value, environment_of_cloud, name)
            for name in ("api-server", "scheduler")
        )
        self._scheduler.append(scheduler)
        self._servers.append(server)
        airflow_services.wait_for_api(programs, home.value, server)
        api = AirflowApi(home.value.url)
        api.log_in()
        self.airflow_url = api.url
        return api

    def _attach(self, venv: Step[Path], cloud: Step[LocalCloud], outputs: Step[dict[str, Any]]) -> Inspection:
        inspection = Inspection(
            self.session.programs, self.session.settings, venv.value, cloud.value, outputs.value
        )
        inspection.attach()
        return inspection

    def _second_plan(self, tf: Step[Terraform], cloud: Step[LocalCloud]) -> None:
        changes = tf.value.unknown_changes_of_second_plan(cloud.value.environment)
        self.plan_finding = checks.Finding(checks.SECOND_PLAN, changes)

    def _runs(
        self,
        api: AirflowApi,
        home: Step[AirflowHome],
        cloud: Step[LocalCloud],
        engine: Step[Engine],
        inspection: Step[Inspection],
    ) -> DagRuns:
        def note(text: str) -> None:
            self.session.progress.note("DAG runs", text)

        means = Means(
            api,
            cloud.value,
            engine.value,
            inspection.value.container_name,
            inspection.value.stop_task,
            lambda: self._replace_scheduler(home.value, cloud.value),
            lambda: self._scheduler[-1].log.read_text(encoding="utf-8", errors="replace"),
        )
        runs = DagRuns(api, self.session.programs, Disturber(means, note))
        runs.run(note)
        return runs

    def _replace_scheduler(self, home: AirflowHome, cloud: LocalCloud) -> None:
        programs = self.session.programs
        programs.kill(self._scheduler.pop())
        self._scheduler.append(airflow_services.start_service(programs, home, cloud.environment, "scheduler"))

    def _consumed(self, inspection: Step[Inspection]) -> None:
        inspection.value.wait_for_empty_queue()

    def _look(self, inspection: Step[Inspection], api: Step[AirflowApi], runs: Step[DagRuns]) -> None:
        self.evidence = inspection.value.look(api.value, runs.value)

    def _scheduler_down(self) -> None:
        # Before the cloud goes: its end() would otherwise wait for answers that do not come.
        for service in self._scheduler:
            self.session.programs.end(service)

    def _airflow_down(self) -> None:
        for service in [*self._servers]:
            self.session.programs.end(service)

    def _judge(self, venv: Step[Path], cloud: Step[LocalCloud]) -> None:
        self.permissions = judge_permissions(
            self.session.programs, self.session.settings, venv.value, cloud.value
        )

    def _inventory(self, cloud: Step[LocalCloud]) -> None:
        if self.evidence is not None:
            self.evidence = self.evidence.with_inventory(cloud.value.ask("inventory"))
