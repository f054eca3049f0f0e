"""A deployment of four services, a database and what belongs to them, from its apply to its destroy.

The configuration is in `four_services/`. The scheduler's container connects to the API by its Cloud Map name
all the time, and writes which release answered, or `lost`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import needs
from contract.local_cloud.tiny_image import NotHere, make_talking_image
from contract.local_cloud.worlds import DEADLINE, POLL, client
from local_cloud.containers.docker_host import LABEL, DockerHost
from local_cloud.databases.programs import find_programs
from local_cloud.errors import StartError
from terraform.provider_mirror import write_cli_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
CLUSTER = "four"


class Deployment:
    """Terraform on a copy of the configuration, against a cloud in a process of its own."""

    def __init__(self, folder: Path, program: str, image: str, endpoint: str, host: DockerHost) -> None:
        self.endpoint = endpoint
        self.host = host
        self._program = program
        self._folder = folder / "four_services"
        shutil.copytree(HERE / "four_services", self._folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self._environment = {
            **kept,
            "TF_CLI_CONFIG_FILE": str(write_cli_configuration(folder / "terraform.rc", os.environ)),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_VAR_image": image,
            "CHECKPOINT_DISABLE": "1",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self.terraform("init")

    def terraform(self, *words: str, expect: int = 0) -> str:
        """Run Terraform; returns what it prints."""
        done = subprocess.run(
            [self._program, *words, "-no-color"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == expect, f"terraform {words} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def apply(self, *variables: str, expect: int = 0) -> str:
        """Apply with these variables."""
        words = [f"-var={item}" for item in variables]
        return self.terraform("apply", "-auto-approve", "-parallelism=40", *words, expect=expect)

    def service(self, name: str) -> dict[str, Any]:
        """A service as ECS describes it."""
        ecs = client(self.endpoint, "ecs")
        return dict(ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0])

    def task(self, name: str) -> str:
        """The ARN of the one task of a service."""
        ecs = client(self.endpoint, "ecs")
        arns = ecs.list_tasks(cluster=CLUSTER, serviceName=name, desiredStatus="RUNNING")["taskArns"]
        assert len(arns) == 1, arns
        return str(arns[0])

    def container(self, name: str) -> str:
        """The id of the container that does the work of a service."""
        found = self.host.api.containers(
            filters={"label": [f"{LABEL}.task={self.task(name)}", f"{LABEL}.part={name}"]}
        )
        return str(found[0]["Id"])

    def lines(self) -> list[str]:
        """What the scheduler's container has written."""
        logs = client(self.endpoint, "logs")
        stream = f"scheduler/scheduler/{self.task('scheduler').rpartition('/')[2]}"
        request = {"logGroupName": f"/{CLUSTER}", "logStreamName": stream, "startFromHead": True}
        answer, lines = logs.get_log_events(**request), []
        while answer["events"]:
            lines += [event["message"] for event in answer["events"]]
            answer = logs.get_log_events(**request, nextToken=answer["nextForwardToken"])
        return lines

    def watched(self, after: int, line: str) -> list[str]:
        """Wait until the scheduler has written a line after its first `after`; returns those after them."""
        deadline = time.monotonic() + DEADLINE
        while line not in (found := self.lines()[after:]):
            assert time.monotonic() < deadline, f"{line!r} was never written: {found[-20:]}"
            time.sleep(POLL)
        return found

    def inventory(self) -> dict[str, list[str]]:
        """What is left in the account."""
        page = f"{self.endpoint}/_local/inventory"
        with urllib.request.urlopen(page, timeout=60) as reply:  # noqa: S310  loopback
            return dict(json.load(reply))


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """The deployment, not applied yet; the cloud ends with the test."""
    program = needs.terraform()
    needs.root("to give each database an address of its own")
    needs.postgres()
    programs = find_programs()
    assert programs is not None
    try:
        host = DockerHost()
        image = make_talking_image(host, programs.folder / "psql")
    except StartError as error:
        needs.engine_failed(error)
    except NotHere as error:
        pytest.skip(str(error))
    command = [sys.executable, "-m", "local_cloud", "--port=0", f"--state-dir={tmp_path / 'state'}"]
    with (tmp_path / "cloud.log").open("w", encoding="utf-8") as log:
        cloud = subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=log, text=True)
        assert cloud.stdout is not None
        ready = cloud.stdout.readline()
        try:
            assert ready.startswith("ready "), (tmp_path / "cloud.log").read_text(encoding="utf-8")
            yield Deployment(tmp_path, program, image, ready.split()[1], host)
        finally:
            cloud.terminate()
            cloud.stdout.close()
            cloud.wait(60)


class Times:
    """How long each step took."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        begun = time.monotonic()
        yield
        self.taken[name] = time.monotonic() - begun

    def table(self) -> str:
        """One line a step."""
        lines = [f"  {seconds:6.1f} s  {name}" for name, seconds in self.taken.items()]
        return "\n".join(["", *lines, f"  {sum(self.taken.values()):6.1f} s  in all"])


def test_four_services_live_through_deployments_and_failures_and_are_destroyed(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """Applied, nothing to change, rolled, rolled back, a container killed, destroyed but for the snapshot."""
    times = Times()
    with times.step("apply"):
        deployment.apply("release=one")
    with times.step("second plan is empty"):
        deployment.terraform("plan", "-detailed-exitcode", "-var=release=one")
    with times.step("names, database, secrets"):
        lines = deployment.watched(0, "api one")
        assert lines[:2] == ["database t", "secrets 44 from-ssm"]
    with times.step("rolling deployment"):
        seen = len(deployment.lines())
        deployment.apply("release=two")
        assert set(deployment.watched(seen, "api two")) <= {"api one", "api two"}
    with times.step("broken image, rolled back"):
        seen, before = len(deployment.lines()), deployment.service("api")["taskDefinition"]
        said = deployment.apply("release=two", "broken=true", expect=1)
        assert "was rolled back to" in said
        assert deployment.service("api")["taskDefinition"] == before
        assert set(deployment.watched(seen, "api two")) == {"api two"}
    with times.step("killed container"):
        task, seen = deployment.task("api"), len(deployment.lines())
        deployment.host.api.kill(deployment.container("api"))
        deployment.watched(seen, "lost")
        seen = len(deployment.lines())
        deployment.watched(seen, "api two")
        assert deployment.task("api") != task
    with times.step("destroy"):
        deployment.terraform("destroy", "-auto-approve", "-parallelism=40")
    with capsys.disabled():
        print(times.table())
    # Definitions stay, as `skip_destroy` asks for.
    left = deployment.inventory()
    assert all(":task-definition/four-" in arn for arn in left.pop("ecs"))
    assert left == {"rds": ["four-final"]}
    assert not deployment.host.api.containers(filters={"label": LABEL})
