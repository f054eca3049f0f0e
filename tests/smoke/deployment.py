"""`make smoke`: the complete deployment on the local cloud, by the commands that a user runs.

`make up` makes Airflow from an empty account; `make dags` uploads DAGs; their runs are watched through
Airflow's API, and disturbed; `make destroy` empties the account again. Nothing of Airflow runs beside the
local cloud.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pictures.shots import Login, Shot, take
from smoke import checks, standbys
from smoke.dag_runs import DagRuns
from smoke.deployed_airflow import USER, DeployedAirflow
from smoke.deployment_commands import Commands
from smoke.deployment_faults import Faults
from smoke.disturbances import Disturber, Means
from smoke.evidence import parse_containers
from smoke.expectations import COMPLETE, DISTURBED, OUTCOMES
from smoke.failure import SmokeError
from smoke.gathering import Gathering
from smoke.image_registry import answers
from smoke.inspection import Inspection, Observed
from smoke.machine import add_machine
from smoke.permissions import judge_permissions
from smoke.settings import ROOT
from smoke.steps import Plan
from smoke.way import Way

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.checks import Finding
    from smoke.cloud import LocalCloud
    from smoke.deployed_airflow import DeployedApi
    from smoke.engine import Engine
    from smoke.steps import Step

ON_THE_PAGE = ("taken_away", "stopped from outside")
"""What the page about Fargate shows of a failure that the second scheduler has explained."""


@dataclass
class Deployment(Way):
    """The whole loop with the complete deployment, once."""

    def run(self) -> list[Finding]:
        """See Way."""
        session, settings = self.session, self.session.settings
        plan = Plan(session.progress, session.stop, session.programs.check)
        machine = self.machine = add_machine(plan, session)
        venv, engine, cloud = machine.venv, machine.engine, machine.cloud
        registry, base = machine.registry, machine.base
        make = plan.add("terraform copy", lambda: self._commands(engine, cloud, venv), [engine, cloud, venv])
        attached = plan.add("event recorder", lambda: self._recorder(venv.value, cloud.value), [venv, cloud])
        up = plan.add("make up", lambda: make.value.up(registry.value, base.value), [make, base])
        airflow = plan.add("login", lambda: self._log_in(make.value, cloud.value), [up])
        inspection = plan.add(
            "inspection",
            lambda: Inspection(attached.value, self._observed(airflow.value), airflow.value.outputs),
            [airflow, attached],
        )
        planned = plan.add("second plan", lambda: self._second_plan(make.value), [up])
        opened = plan.add("make open", lambda: self._open(make.value), [planned])
        uploaded = plan.add("make dags", lambda: make.value.dags(venv.value), [up])
        runs = plan.add(
            "DAG runs",
            lambda: self._runs(airflow.value, inspection.value, self._noting("DAG runs")),
            [uploaded, inspection, opened],
        )
        last: Step[Any] = runs
        events = plan.add("events consumed", lambda: inspection.value.wait_for_empty_queue(), [last])  # noqa: PLW0108  it is there later
        refilled = plan.add("standbys replaced", lambda: inspection.value.wait_for_standbys(), [last])  # noqa: PLW0108  it is there later
        looked = plan.add(
            "collect evidence",
            lambda: self._look(airflow.value, inspection.value, runs.value),
            [events, refilled],
        )
        last = plan.add("permissions", lambda: self._judge(venv.value, cloud.value), [looked])
        if settings.pictures is not None:
            last = plan.add("pictures", lambda: self._pictures(airflow.value, runs.value), [last])
        if settings.faults:
            last = plan.add("faults", lambda: self._faults(airflow.value, engine.value), [last])
        if settings.keep:
            plan.add("Airflow's page", lambda: self._forward(venv.value, cloud.value), [airflow])
        else:
            gone = plan.add("make destroy", lambda: make.value.destroy(), [last])  # noqa: PLW0108  it is there later
            plan.add("account is empty", lambda: self._ended(cloud.value), [gone])
        try:
            plan.run()
        except SmokeError:
            if airflow.has_ended:
                with contextlib.suppress(Exception):
                    airflow.value.keep_logs()
            raise
        return self.findings()

    def _noting(self, step: str) -> Any:
        return lambda text: self.session.progress.note(step, text)

    # --- steps ---------------------------------------------------------------------------------------------

    def _commands(self, engine: Step[Engine], cloud: Step[LocalCloud], venv: Step[Path]) -> Commands:
        commands = Commands(self.session, self.terraform_program, engine.value, cloud.value, venv.value)
        commands.prepare()
        return commands

    def _recorder(self, venv: Path, cloud: LocalCloud) -> Gathering:
        gathering = Gathering(self.session.programs, self.session.settings, venv, cloud)
        gathering.ask("attach")
        return gathering

    def _log_in(self, make: Commands, cloud: LocalCloud) -> DeployedAirflow:
        import boto3  # noqa: PLC0415  the smoke's own environment has it

        aws = boto3.session.Session("local", "local", region_name=cloud.environment["AWS_REGION"])

        def client(service: str) -> Any:
            return aws.client(service, endpoint_url=cloud.url)

        airflow = DeployedAirflow(self.session, cloud, client, make.outputs())
        api = airflow.api()
        password = airflow.password_of(airflow.outputs["admin_secret_arn"])
        self.login = f"user {USER}, password {password}"
        self.find("make up's doctor passes, and reads the image's release", make.doctor())
        self.find("a wrong password is rejected with 401", _rejected(api))
        return airflow

    def _observed(self, airflow: DeployedAirflow) -> Observed:
        release = self.session.settings.release
        return Observed(release, COMPLETE, airflow.secrets(), airflow.logs)

    def _second_plan(self, make: Commands) -> None:
        self.find(checks.SECOND_PLAN, make.unknown_changes_of_second_plan())

    def _open(self, make: Commands) -> None:
        self.find("make open starts a session with the API server's tunnel", make.open())

    def _runs(self, airflow: DeployedAirflow, inspection: Inspection, note: Any) -> DagRuns:
        api = airflow.api()

        def replace_api_server() -> None:
            airflow.replace("api")
            airflow.api()
            api.url = ""  # of the container that is gone

        means = Means(
            api,
            airflow.cloud,
            inspection.stop_task,
            lambda: airflow.replace("scheduler"),
            lambda: airflow.log("scheduler"),
            replace_api_server,
        )

        def are_ready() -> bool:
            return inspection.standbys_that_ran(standbys.OFFERED_AFTER) >= standbys.NUMBER

        runs = DagRuns(api, self.session.programs, Disturber(means, note), are_ready, COMPLETE)
        runs.run(note)
        return runs

    def _look(self, airflow: DeployedAirflow, inspection: Inspection, runs: DagRuns) -> None:
        api = airflow.api()
        page = api.page()
        missing = tuple(f"it does not show {text!r}" for text in ON_THE_PAGE if text not in page)
        self.find("the page about Fargate shows a container's failure", missing)
        self.evidence = inspection.look(api, runs)

    def _judge(self, venv: Path, cloud: LocalCloud) -> None:
        self.found.append(judge_permissions(self.session.programs, self.session.settings, venv, cloud))

    def _faults(self, airflow: DeployedAirflow, engine: Engine) -> None:
        self.found += Faults(airflow, engine, self._noting("faults")).run()

    def _pictures(self, airflow: DeployedAirflow, runs: DagRuns) -> None:
        api, folder = airflow.api(), self.session.settings.pictures
        assert folder is not None
        run = f"{api.url}/dags/{OUTCOMES}/runs/{runs.ids[OUTCOMES]}"
        shots = [
            Shot(run, "out_of_memory", str(folder / "airflow_run.png")),
            Shot(f"{run}/tasks/fails_for_good", "on purpose", str(folder / "airflow_failure.png")),
            Shot(f"{api.url}/plugin/fargate", DISTURBED, str(folder / "airflow_fargate.png")),
        ]
        take(
            self.session.programs,
            self.session.settings.state,
            shots,
            Login(f"{api.url}/auth/login/", USER, airflow.password_of(airflow.outputs["admin_secret_arn"])),
        )

    def _forward(self, venv: Path, cloud: LocalCloud) -> None:
        session, host = self.session, self.session.settings.airflow_host
        port = session.note_port("AIRFLOW_PORT", host)
        command = [str(venv / "bin" / "python"), "-m", "smoke.forward", host, str(port), cloud.url]
        service = session.programs.start(
            "page", command, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}
        )
        url = f"http://localhost:{port}"
        session.programs.wait_until(service, lambda: answers(f"{url}/api/v2/version"), 60)
        session.progress.note("Airflow's page", f"{url}, {self.login}")
        self.airflow_url = url

    def _ended(self, cloud: LocalCloud) -> None:
        if self.evidence is None:
            return
        idle = {one.arn for one in self.evidence.idle}
        ended = parse_containers([task for task in cloud.tasks() if task["taskArn"] in idle], {})
        self.evidence = self.evidence.with_ended(ended).with_inventory(cloud.ask("inventory"))


def _rejected(api: DeployedApi) -> tuple[str, ...]:
    try:
        api.token("wrong")
    except SmokeError as error:
        return () if "with 401" in error.sentence else (error.sentence,)
    return ("Airflow accepts it",)
