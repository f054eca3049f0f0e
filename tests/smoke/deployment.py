"""`make smoke-deployment`: the complete deployment on the local cloud, by the commands that a user runs.

`make up` makes Airflow from an empty account; `make dags` uploads a DAG; its run is watched through Airflow's
API while a component hangs, the API container and the scheduler are killed, the database password is rotated,
the database is away for two minutes, every service is redeployed; `make destroy` empties the account again.
Nothing of Airflow runs beside the local cloud.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke import environment, terraform
from smoke.base_image import ensure_base
from smoke.checks import Finding
from smoke.cloud import start_cloud
from smoke.deployment_run import GREETING, NAME, DeploymentRun
from smoke.engine import ensure_engine
from smoke.image_registry import start_registry
from smoke.settings import ROOT
from smoke.steps import Plan

if TYPE_CHECKING:
    from smoke.cloud import LocalCloud
    from smoke.engine import Engine
    from smoke.session import Session

DAGS = ROOT / "tests" / "smoke" / "deployment_dags"
UP_SECONDS = 1800.0
PORT = 18080
TOLD = ("SessionId", "StartSession", "AWS-StartPortForwardingSession", f"{PORT}", "8080", "ecs:smoke_")
"""The answer and the request, which the AWS CLI hands to the plugin."""
PLUGIN = "session-manager-plugin"
PLUGIN_STUB = '#!/bin/sh\nprintf "%s\\n" "$@" >"$0.called"\n'
"""The plugin is no Debian package, and the local cloud has no data channel: this records its arguments."""


FASTER = {"REFRESH_INTERVAL": 10, "BUNDLE_REFRESH_CHECK_INTERVAL": 5, "MIN_FILE_PROCESS_INTERVAL": 10}
"""Seconds; by default, Airflow looks for new DAGs every five minutes."""
EXTRA_DOCKERFILE = """\
ARG WORKER_IMAGE
FROM ${WORKER_IMAGE}
COPY rds-ca.pem /opt/rds-ca.pem
COPY smoke_package.py /opt/extra/smoke_package.py
ENV PGSSLROOTCERT=/opt/rds-ca.pem PYTHONPATH=/opt/extra
"""


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
        opened = plan.add("make open", lambda: self._open(tf.value, engine.value, cloud.value), [planned])
        uploaded = plan.add(
            "make dags",
            lambda: self._command(tf.value, engine.value, cloud.value, "dags", f"FROM={DAGS}"),
            [opened],
        )
        runs = plan.add("DAG run", lambda: self._runs(tf.value, engine.value, cloud.value), [uploaded])
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
        plugin = self.session.settings.state / "bin" / PLUGIN
        plugin.parent.mkdir(parents=True, exist_ok=True)
        plugin.write_text(PLUGIN_STUB, encoding="utf-8")
        plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
        return terraform.Terraform(copy.programs, copy.program, folder, copy.cli_configuration)

    def _extra(self, cloud: LocalCloud) -> Path:
        """Return a folder for EXTRA: the local cloud's database CA, and a package that the DAG imports."""
        folder = self.session.settings.state / "extra"
        folder.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"{cloud.url}/_local/rds-ca.pem", timeout=30) as reply:  # noqa: S310  loopback
            (folder / "rds-ca.pem").write_bytes(reply.read())
        (folder / "smoke_package.py").write_text(f"GREETING = {GREETING!r}\n", encoding="utf-8")
        (folder / "Dockerfile").write_text(EXTRA_DOCKERFILE, encoding="utf-8")
        return folder

    def _environment(self, tf: terraform.Terraform, engine: Engine, cloud: LocalCloud) -> dict[str, str]:
        first = (self.session.settings.state / "bin", environment.make("aws") / "bin")
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
            "PATH": os.pathsep.join(map(str, (*first, os.environ["PATH"], client))),
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

    def _open(self, tf: terraform.Terraform, engine: Engine, cloud: LocalCloud) -> None:
        """The local cloud answers StartSession only for a container that runs with ECS Exec."""
        self._command(tf, engine, cloud, "open", f"PORT={PORT}")
        printed = (self.session.settings.logs / "make-open.log").read_text(encoding="utf-8")
        called = self.session.settings.state / "bin" / f"{PLUGIN}.called"
        told = called.read_text(encoding="utf-8") if called.is_file() else ""
        wrong = []
        if f"http://localhost:{PORT}" not in printed:
            wrong.append("the local address was not printed")
        wrong += [f"the plugin was not told {word}" for word in TOLD if word not in told]
        self.findings.append(Finding("make open starts a session with the API server's tunnel", tuple(wrong)))

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

        run = DeploymentRun(self.session, client, outputs, engine)
        self.findings += run.run()
        if folder := os.environ.get("PICTURES"):
            run.take_pictures(Path(folder).resolve())

    def _empty(self, cloud: LocalCloud) -> None:
        left = cloud.ask("inventory")
        names = tuple(f"{kind}: {names}" for kind, names in sorted(left.items()) if names)
        self.findings.append(Finding("make destroy leaves the account empty", names))
