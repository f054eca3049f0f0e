"""The two Airflow installations: one with LocalExecutor, one with FargateExecutor on the local cloud."""

from __future__ import annotations

import math
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from example_dags.choice import NOT_YET, chosen
from example_dags.runs import Ended, all_dags, run_all
from smoke import airflow_services, environment, terraform, worker_images
from smoke.airflow_api import AirflowApi
from smoke.airflow_services import AirflowHome
from smoke.base_image import ensure_base
from smoke.cloud import start_cloud
from smoke.engine import ensure_engine
from smoke.image_registry import start_registry
from smoke.postgres import start_postgres

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from smoke.engine import Engine
    from smoke.session import Session

FOUND = 100
"""The least number of example DAGs in Airflow and the standard provider."""
IMAGE = "airflow-fargate/example-dags:worker"
DOCKERFILE = f"FROM {worker_images.WORKER}\nENV AIRFLOW__CORE__LOAD_EXAMPLES=True\n"
"""The examples are part of Airflow's package; the worker only needs the option that adds their bundles."""
SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")


class ExamplesHome(AirflowHome):
    """An Airflow home with the example DAGs that starts no run by schedule."""

    def environment(self, cloud: Mapping[str, str]) -> dict[str, str]:
        """See :class:`AirflowHome`."""
        options = {
            "CORE__LOAD_EXAMPLES": "True",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "CORE__PARALLELISM": "12",
            "SCHEDULER__USE_JOB_SCHEDULE": "False",
            # An asset becomes active this soon after its DAG is found. Until then, its producers fail.
            "SCHEDULER__PARSING_CLEANUP_INTERVAL": "5",
            # No scheduler is killed here, and a scheduler on a busy machine is not dead.
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "120",
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "300",
        }
        return {
            **super().environment(cloud),
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
        }


@dataclass
class Examples:
    """One run of the example DAGs.

    Args:
        session: the smoke's tools.
        only: DAGs to run; all if empty.
        known: DAGs whose states are known, so they do not run again.
        seconds: time after Airflow's start in which DAGs are started.
        ended: how DAGs ended so far.
        left_out: DAGs that do not run, and why.
    """

    session: Session
    only: Sequence[str] = ()
    known: Container[str] = ()
    seconds: float = math.inf
    ended: Ended = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def _airflow(self, home: AirflowHome, cloud: Mapping[str, str]) -> None:
        programs, line = self.session.programs, self.session.progress.line
        airflow_services.migrate(programs, home, cloud)
        services = [airflow_services.start_service(programs, home, cloud, name) for name in SERVICES]
        airflow_services.wait_for_api(programs, home, services[0])
        api = AirflowApi(home.url)
        api.log_in()
        names, self.left_out = chosen(all_dags(api, programs, FOUND), self.only)
        # A DAG without states at the end has not run yet.
        self.left_out |= dict.fromkeys(names, NOT_YET)
        names = [name for name in names if name not in self.known]
        run_all(api, programs, names, line, self.ended, time.monotonic() + self.seconds)
        for service in reversed(services):
            programs.end(service)

    def _home(self, name: str, host: str, port_name: str) -> ExamplesHome:
        folder = self.session.settings.state / name
        (folder / "dags").mkdir(parents=True)
        port = self.session.note_port(port_name, host)
        venv = environment.make("dev")
        database = f"sqlite:///{folder / 'airflow.db'}"
        if self.session.settings.database == "postgres":
            port_of_it = self.session.note_port("POSTGRES_PORT")
            database = start_postgres(self.session.programs, port_of_it).url()
        home = ExamplesHome(folder, venv, database, host, port, secrets.token_urlsafe(96))
        home.config.write_text("", encoding="utf-8")
        return home

    def by_local_executor(self) -> None:
        """Run the DAGs with LocalExecutor."""
        home = self._home("local", "127.0.0.1", "AIRFLOW_PORT")
        self.session.progress.line("LocalExecutor")
        self._airflow(home, {**os.environ, "AIRFLOW__CORE__EXECUTOR": "LocalExecutor"})

    def by_fargate_executor(self, terraform_program: str) -> None:
        """Run the DAGs in containers, with Terraform, registry and worker image as in the smoke."""
        session = self.session
        programs, settings, line = session.programs, session.settings, session.progress.line
        engine = ensure_engine(programs, settings)
        home = self._home("fargate", engine.gateway, "AIRFLOW_PORT")
        registry = start_registry(programs, settings, engine, session.note_port("REGISTRY_PORT"))
        listen = (session.note_port("CLOUD_PORT"), registry)
        cloud = start_cloud(programs, settings, engine, home.venv / "bin" / "python", listen)
        line("Terraform")
        copy = terraform.copy_configuration(programs, settings, terraform_program)
        copy.init()
        way = home.release.terraform_inputs(home, engine.gateway, {})
        inputs = terraform.variables(way, cloud.environment)
        outputs = copy.apply(cloud.environment, inputs)
        line("worker image")
        worker_images.push(programs, engine, self._image(engine), registry, outputs["image"])
        home.config.write_text(outputs["airflow_cfg"], encoding="utf-8")
        line("FargateExecutor")
        self._airflow(home, cloud.environment)

    def _image(self, engine: Engine) -> str:
        programs, settings, line = self.session.programs, self.session.settings, self.session.progress.line
        worker_images.build_worker(programs, engine, ensure_base(programs, settings, engine, line))
        context = settings.state / "image"
        context.mkdir(parents=True)
        (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        programs.run(
            [engine.client, "build", "-q", "-t", IMAGE, str(context)], "image", env=engine.environment
        )
        return IMAGE


def versions() -> dict[str, Any]:
    """Return the releases of Airflow and the standard provider."""
    from importlib.metadata import version  # noqa: PLC0415  called once

    return {name: version(name) for name in ("apache-airflow", "apache-airflow-providers-standard")}
