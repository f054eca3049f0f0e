"""`make up`, `open`, `dags` and `destroy` on a copy of ``terraform/airflow_on_ecs`` for the local cloud."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke import environment, standbys, terraform
from smoke.airflow_services import DEAD_AFTER, HEARTBEAT, LOOKS_FOR_ORPHANS, RECONCILE_INTERVAL, copy_dags
from smoke.doctor import judge
from smoke.expectations import GREETING
from smoke.settings import ROOT
from worker_image import build

if TYPE_CHECKING:
    from smoke.cloud import LocalCloud
    from smoke.engine import Engine
    from smoke.session import Session

NAME = "smoke"
DAGS = ROOT / "tests" / "smoke" / "deployment_dags"
UP_SECONDS, DESTROY_SECONDS = 1800.0, 900.0
PORT = 18080
TOLD = ("SessionId", "StartSession", "AWS-StartPortForwardingSession", f"{PORT}", "8080", f"ecs:{NAME}_")
"""The answer and the request, which the AWS CLI hands to the plugin."""
PLUGIN = "session-manager-plugin"
PLUGIN_STUB = '#!/bin/sh\nprintf "%s\\n" "$@" >"$0.called"\n'
"""Records the arguments. Debian has no package of the plugin, and the local cloud has no data channel."""
FASTER = {
    # Seconds; by default, Airflow looks for new DAGs every five minutes.
    "DAG_PROCESSOR__REFRESH_INTERVAL": 10,
    "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": 5,
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 3600,
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": HEARTBEAT,
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": DEAD_AFTER,
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": LOOKS_FOR_ORPHANS,
    "FARGATE__RECONCILE_INTERVAL": RECONCILE_INTERVAL,
    "FARGATE__STANDBY_CLAIM_TIMEOUT": standbys.CLAIM_TIMEOUT,
}
STEP = re.compile(r"^\[\d\] (.*)$", re.MULTILINE)
"""How `make up` prints its steps."""
EXTRA_DOCKERFILE = """\
ARG WORKER_IMAGE
FROM ${WORKER_IMAGE}
COPY rds-ca.pem /opt/rds-ca.pem
COPY smoke_package.py /opt/extra/smoke_package.py
ENV PGSSLROOTCERT=/opt/rds-ca.pem PYTHONPATH=/opt/extra
"""


@dataclass
class Commands:
    """The commands in one folder.

    Args:
        session: this run's tools.
        program: path of Terraform.
        engine: builds the images.
        cloud: the account.
        venv: the environment with Airflow and its examples.
    """

    session: Session
    program: str
    engine: Engine
    cloud: LocalCloud
    venv: Path
    _terraform: terraform.Terraform = field(init=False, repr=False)

    def prepare(self) -> None:
        """Copy the configuration, and write the inputs that only the local cloud needs."""
        copy = terraform.copy_configuration(self.session.programs, self.session.settings, self.program)
        folder = copy.folder.parents[1] / "airflow_on_ecs"
        shutil.copy(terraform.TESTS / "local_override.tf", folder)
        options = FASTER | {
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "FARGATE__PROFILES": json.dumps(standbys.PROFILES),
        }
        inputs = {
            "flow_log": False,  # a second plan of moto's flow log differs
            "standby": standbys.QUEUES,
            "environment": {f"AIRFLOW__{name}": str(value) for name, value in options.items()},
        }
        (folder / "local.auto.tfvars.json").write_text(json.dumps(inputs), encoding="utf-8")
        plugin = self.session.settings.state / "bin" / PLUGIN
        plugin.parent.mkdir(parents=True, exist_ok=True)
        plugin.write_text(PLUGIN_STUB, encoding="utf-8")
        plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
        self._terraform = terraform.Terraform(copy.programs, copy.program, folder, copy.cli_configuration)

    def up(self, registry: str, base: str) -> None:
        """Run `make up` from an empty account.

        Args:
            registry: the registry behind the local cloud's ECR.
            base: the images' base.
        """
        given = {
            "NAME": NAME,
            "AUTO_APPROVE": "1",
            "REGISTRY": registry,
            "BASE_IMAGE": base,
            "AIRFLOW_VERSION": self.session.settings.release.version,
            "EXTRA": str(self._extra()),
        }
        self._run("up", *(f"{name}={value}" for name, value in given.items()), seconds=UP_SECONDS)
        release = self.session.settings.release
        for kind, name in (("worker", release.worker_image), ("control", release.control_image)):
            # `make test-engine` tests the images under these names, without what EXTRA adds.
            built = f"{build.default_image({**given, 'KIND': kind})}-base"
            command = [self.engine.client, "tag", built, name]
            self.session.programs.run(command, "tag", env=self.engine.environment)

    def doctor(self) -> tuple[str, ...]:
        """Return what is wrong with the doctor's lines in the log of `make up`."""
        _, _, said = self.session.settings.read_log("make-up").partition("ask the doctor\n")
        lines = [line.strip() for line in said.splitlines()]
        label = self.session.settings.release.label
        return tuple(judge(lines, f"ok    Airflow version  The image and the scheduler both have {label}."))

    def open(self) -> tuple[str, ...]:
        """Run `make open`; return what is wrong.

        The local cloud answers StartSession only for a container that runs with ECS Exec.
        """
        self._run("open", f"PORT={PORT}")
        called = self.session.settings.state / "bin" / f"{PLUGIN}.called"
        told = called.read_text(encoding="utf-8") if called.is_file() else ""
        wrong = [f"the plugin was not told {word}" for word in TOLD if word not in told]
        if f"http://localhost:{PORT}" not in self.session.settings.read_log("make-open"):
            wrong.append("the local address was not printed")
        return tuple(wrong)

    def dags(self, venv: Path) -> None:
        """Run `make dags` with our DAGs and one of Airflow's examples."""
        folder = self.session.settings.state / "dags"
        folder.mkdir()
        copy_dags(venv, folder)
        for file in DAGS.glob("*.py"):
            shutil.copy(file, folder)
        self._run("dags", f"FROM={folder}")

    def destroy(self) -> None:
        """Run `make destroy`."""
        self._run("destroy", f"CONFIRM={NAME}", "SNAPSHOT=0", seconds=DESTROY_SECONDS)

    def outputs(self) -> dict[str, Any]:
        """Return Terraform's outputs, and keep them in a file for the check of the permissions."""
        done = subprocess.run(
            [self.program, f"-chdir={self._terraform.folder}", "output", "-json"],
            env=self._environment() | {"TF_CLI_ARGS": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs = {name: each["value"] for name, each in json.loads(done.stdout).items()}
        (self.session.settings.state / "outputs.json").write_text(json.dumps(outputs), encoding="utf-8")
        return outputs

    def unknown_changes_of_second_plan(self) -> tuple[str, ...]:
        """Plan again; return the changes that are not known differences of the local cloud."""
        return self._terraform.unknown_changes_of_second_plan(self.cloud.environment)

    def _extra(self) -> Path:
        """Return a folder for EXTRA: the local cloud's database CA, and a package that a DAG imports."""
        folder = self.session.settings.state / "extra"
        folder.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"{self.cloud.url}/_local/rds-ca.pem", timeout=30) as reply:  # noqa: S310  loopback
            (folder / "rds-ca.pem").write_bytes(reply.read())
        (folder / "smoke_package.py").write_text(f"GREETING = {GREETING!r}\n", encoding="utf-8")
        (folder / "Dockerfile").write_text(EXTRA_DOCKERFILE, encoding="utf-8")
        return folder

    def _environment(self) -> dict[str, str]:
        first = (self.session.settings.state / "bin", environment.make("aws") / "bin")
        client = Path(self.engine.client).parent
        return {
            **self.engine.environment,
            **self.cloud.environment,
            "TF_CLI_CONFIG_FILE": str(self._terraform.cli_configuration),
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "1",
            "TERRAFORM": self.program,
            "PYTHONPATH": str(ROOT),
            "PATH": os.pathsep.join(map(str, (*first, os.environ["PATH"], client))),
        }

    def _run(self, name: str, *arguments: str, seconds: float = 300.0) -> None:
        command = [
            *(sys.executable, "-m", "terraform.commands", name),
            *(f"TERRAFORM_DIR={self._terraform.folder}", *arguments),
        ]
        self.session.programs.run(
            command,
            f"make-{name}",
            env=self._environment(),
            cwd=ROOT,
            timeout=seconds,
            give_up=lambda: self._tell(name),
        )

    def _tell(self, name: str) -> str:
        """Show the command's newest step; return an empty string, so that the command goes on."""
        if steps := STEP.findall(self.session.settings.read_log(f"make-{name}")):
            self.session.progress.note(f"make {name}", steps[-1])
        return ""
