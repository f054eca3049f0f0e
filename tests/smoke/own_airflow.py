"""`make smoke OWN_AIRFLOW=1`: an Airflow beside the deployment, configured by Terraform's output."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smoke import airflow_services, checks, standbys, terraform, worker_images
from smoke.airflow_environment import make_airflow
from smoke.airflow_running import RunningAirflow
from smoke.airflow_services import AirflowHome
from smoke.dag_runs import DagRuns
from smoke.disturbances import Disturber, Means
from smoke.doctor import ask_doctor
from smoke.expectations import OWN_AIRFLOW
from smoke.gathering import Gathering
from smoke.inspection import Inspection, Observed
from smoke.machine import add_machine
from smoke.permissions import judge_permissions
from smoke.postgres import start_postgres
from smoke.steps import Plan
from smoke.way import Way

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.airflow_api import AirflowApi
    from smoke.checks import Finding
    from smoke.cloud import LocalCloud
    from smoke.engine import Engine
    from smoke.steps import Step
    from smoke.terraform import Terraform


API_SERVER_AWAY = 60.0
"""Seconds; with Airflow's defaults, a running task is killed after half of that."""


@dataclass
class OwnAirflow(Way):
    """The whole loop with your own Airflow beside the deployment, once."""

    login: str = "no password"

    def run(self) -> list[Finding]:
        """See Way."""
        session = self.session
        plan = Plan(session.progress, session.stop, session.programs.check)
        programs, settings = session.programs, session.settings

        machine = self.machine = add_machine(plan, session)
        venv, engine, registry, cloud = machine.venv, machine.engine, machine.registry, machine.cloud
        tf = plan.add("terraform init", self._terraform)
        gathering = plan.add(
            "gathering",
            lambda: Gathering(programs, settings, venv.value, cloud.value),
            [venv, cloud],
        )
        release = plan.add(
            settings.release.label, lambda: make_airflow(programs, settings.release, venv.value), [venv]
        )
        home = plan.add("Airflow's home", lambda: self._home(engine, release), [engine, release])
        airflow = plan.add("Airflow's database", lambda: self._database(home), [home])
        outputs = plan.add(
            "terraform apply",
            lambda: self._apply(tf.value, engine.value, gathering.value, home.value),
            [tf, gathering, home],
        )
        worker = plan.add(
            "worker image",
            lambda: worker_images.build_worker(programs, engine.value, machine.base.value, settings.release),
            [machine.base, venv],
        )
        image = plan.add(
            "smoke image",
            lambda: worker_images.build_with_dags(
                programs, settings, engine.value, release.value, worker.value
            ),
            [worker, release],
        )
        push = plan.add(
            "push",
            lambda: worker_images.push(
                programs, engine.value, image.value, registry.value, outputs.value["image"]
            ),
            [image, registry, outputs],
        )
        # After the push: without an image, standbys would fail, and after three the executor pauses.
        scheduler = plan.add(
            "scheduler", lambda: airflow.value.start_scheduler(cloud.value), [airflow, cloud, push]
        )
        # The DAG processor does not need Terraform, so it parses while Terraform waits for AWS.
        plan.add("DAG processor", lambda: airflow.value.start_dag_processor(), [airflow])  # noqa: PLW0108  it is there later
        api = plan.add(
            "API server",
            lambda: self._airflow(airflow.value, cloud.value),
            [airflow, cloud, outputs],
        )
        inspection = plan.add(
            "event recorder",
            lambda: self._attach(gathering.value, home.value, outputs.value),
            [gathering, home, outputs],
        )
        runs = plan.add(
            "DAG runs",
            lambda: self._runs(api.value, airflow.value, cloud, inspection),
            [api, scheduler, inspection],
        )
        # Here and not right after apply, because every core is busy until now.
        second = plan.add("second terraform plan", lambda: self._second_plan(tf, cloud), [tf, cloud, runs])
        events = plan.add("events consumed", lambda: self._consumed(inspection), [inspection, runs])
        refilled = plan.add("standbys replaced", lambda: self._replaced(inspection), [inspection, runs])
        asked = plan.add("doctor", lambda: self._ask_doctor(home, cloud, venv), [runs])
        looked = plan.add(
            "collect evidence", lambda: self._look(inspection, api, runs), [events, refilled, second]
        )
        judged = plan.add("permissions", lambda: self._judge(venv, cloud), [looked, asked])
        if not settings.keep:
            down = plan.add("scheduler down", lambda: airflow.value.end_scheduler(), [judged])  # noqa: PLW0108  it is there later
            plan.add("Airflow down", lambda: airflow.value.end_servers(), [down])  # noqa: PLW0108  it is there later
            stopped = plan.add("standbys stopped", lambda: self._stop_standbys(inspection), [down])
            destroyed = plan.add(
                "terraform destroy", lambda: tf.value.destroy(cloud.value.environment), [stopped]
            )
            plan.add("account is empty", lambda: self._inventory(gathering.value, home), [destroyed])
        plan.run()
        return self.findings()

    def _terraform(self) -> Terraform:
        copy = terraform.copy_configuration(
            self.session.programs, self.session.settings, self.terraform_program
        )
        copy.init()
        if self.session.settings.release.has_standbys:
            copy.override(standbys.terraform_override())
        return copy

    def _home(self, engine: Step[Engine], venv: Step[Path]) -> AirflowHome:
        session, settings = self.session, self.session.settings
        folder, host = settings.state / "airflow", engine.value.gateway
        database, for_tasks = f"sqlite:///{folder / 'airflow.db'}", ""
        if settings.database == "postgres":
            reached_at = host if settings.release.tasks_open_the_database else ""
            port = session.note_port("POSTGRES_PORT")
            server = start_postgres(session.programs, port, for_containers=reached_at)
            database, for_tasks = server.url(), server.url(host)
        return airflow_services.make_home(
            AirflowHome(
                folder,
                venv.value,
                database,
                host,
                session.note_port("AIRFLOW_PORT", host),
                secrets.token_urlsafe(96),
                settings.release,
                for_tasks,
            )
        )

    def _database(self, home: Step[AirflowHome]) -> RunningAirflow:
        airflow = RunningAirflow(self.session.programs, home.value)
        airflow.migrate()
        return airflow

    def _apply(
        self, tf: Terraform, engine: Engine, gathering: Gathering, home: AirflowHome
    ) -> dict[str, Any]:
        release, cloud = home.release, gathering.cloud.environment
        hidden = release.container_secrets(home)
        references = gathering.ask("hide", values=hidden) if hidden else {}
        way = release.terraform_inputs(home, engine.gateway, references)
        outputs = tf.apply(cloud, terraform.variables(way, cloud))
        text = json.dumps(outputs, indent=2)
        (self.session.settings.state / "outputs.json").write_text(text, encoding="utf-8")
        home.config.write_text(outputs["airflow_cfg"], encoding="utf-8")
        return outputs

    def _airflow(self, airflow: RunningAirflow, cloud: LocalCloud) -> AirflowApi:
        api = airflow.start_server(cloud)
        self.airflow_url = api.url
        return api

    def _attach(self, gathering: Gathering, home: AirflowHome, outputs: dict[str, Any]) -> Inspection:
        settings, services = self.session.settings, ("scheduler", home.release.server, "dag-processor")

        def logs() -> dict[str, str]:
            return {name: settings.read_log(name) for name in services}

        observed = Observed(home.release, OWN_AIRFLOW, home.secrets, logs)
        inspection = Inspection(gathering, observed, outputs)
        inspection.attach()
        return inspection

    def _ask_doctor(self, home: Step[AirflowHome], cloud: Step[LocalCloud], venv: Step[Path]) -> None:
        found = ask_doctor(self.session.programs, home.value, cloud.value.environment, venv.value)
        self.found.append(found)

    def _second_plan(self, tf: Step[Terraform], cloud: Step[LocalCloud]) -> None:
        changes = tf.value.unknown_changes_of_second_plan(cloud.value.environment)
        self.find(checks.SECOND_PLAN, changes)

    def _runs(
        self,
        api: AirflowApi,
        airflow: RunningAirflow,
        cloud: Step[LocalCloud],
        inspection: Step[Inspection],
    ) -> DagRuns:
        def note(text: str) -> None:
            self.session.progress.note("DAG runs", text)

        means = Means(
            api,
            cloud.value,
            inspection.value.stop_task,
            lambda: airflow.replace_scheduler(cloud.value),
            airflow.scheduler_log,
            lambda: airflow.replace_server(cloud.value, API_SERVER_AWAY),
        )

        def are_ready() -> bool:
            if not self.session.settings.release.has_standbys:
                return True
            return inspection.value.standbys_that_ran(standbys.OFFERED_AFTER) >= standbys.NUMBER

        runs = DagRuns(api, self.session.programs, Disturber(means, note), are_ready, OWN_AIRFLOW)
        runs.run(note)
        return runs

    def _consumed(self, inspection: Step[Inspection]) -> None:
        inspection.value.wait_for_empty_queue()

    def _replaced(self, inspection: Step[Inspection]) -> None:
        if self.session.settings.release.has_standbys:
            inspection.value.wait_for_standbys()

    def _stop_standbys(self, inspection: Step[Inspection]) -> None:
        if self.session.settings.release.has_standbys and self.evidence is not None:
            ended = inspection.value.stop_standbys()
            self.evidence = self.evidence.with_ended(ended)

    def _look(self, inspection: Step[Inspection], api: Step[AirflowApi], runs: Step[DagRuns]) -> None:
        self.evidence = inspection.value.look(api.value, runs.value)

    def _judge(self, venv: Step[Path], cloud: Step[LocalCloud]) -> None:
        self.found.append(
            judge_permissions(self.session.programs, self.session.settings, venv.value, cloud.value)
        )

    def _inventory(self, gathering: Gathering, home: Step[AirflowHome]) -> None:
        if home.value.release.container_secrets(home.value):
            gathering.ask("forget")
        if self.evidence is not None:
            self.evidence = self.evidence.with_inventory(gathering.cloud.ask("inventory"))
