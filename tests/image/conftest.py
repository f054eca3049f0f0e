"""The worker image, built once for the tests of this folder, and how to run it.

IMAGE names an image that is there already; otherwise it is built on BASE_IMAGE. DOCKER_HOST names the engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from unit.worker.task_run import write_dag
from worker_image.build import ROOT, BuildError, find_engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Image:
    """An image and the client of the engine that holds it."""

    def __init__(self, client: str, name: str) -> None:
        self.client = client
        self.name = name

    def command(self, *words: str, options: tuple[str, ...] = ()) -> list[str]:
        """Return the command that runs a container of the image to its end."""
        return [self.client, "run", "--rm", *options, self.name, *words]

    def run(self, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        command = self.command(*words, options=options)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    def python(self, script: str, *, options: tuple[str, ...] = ()) -> str:
        """Return what a Python script prints in a container."""
        done = self.run("python", "-c", script, options=options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inspect(self) -> dict[str, Any]:
        """Return what the engine says of the image."""
        done = subprocess.run([self.client, "image", "inspect", self.name], capture_output=True, check=True)
        described: dict[str, Any] = json.loads(done.stdout)[0]
        return described

    @property
    def labels(self) -> dict[str, str]:
        """What it says of itself."""
        labels: dict[str, str] = self.inspect()["Config"]["Labels"]
        return labels

    @property
    def airflow_version(self) -> str:
        """The Airflow release in it, by its label."""
        return self.labels["airflow-fargate.airflow-version"]

    def kill(self, container: str, signal_name: str) -> None:
        """Send a signal to a running container."""
        subprocess.run(
            [self.client, "kill", "--signal", signal_name, container], check=True, capture_output=True
        )


@pytest.fixture(scope="session")
def image() -> Image:
    """The worker image: IMAGE where that is set, else one built now on BASE_IMAGE."""
    try:
        client = find_engine()[0]
    except BuildError as error:
        pytest.skip(f"needs a container engine: {error}")
    name = os.environ.get("IMAGE")
    if not name:
        base = os.environ.get("BASE_IMAGE")
        if not base:
            pytest.skip("needs the worker image: set IMAGE to one, or BASE_IMAGE to build it on")
        name = "airflow-fargate/worker:test"
        build = [
            sys.executable,
            str(ROOT / "worker_image" / "build.py"),
            f"IMAGE={name}",
            f"BASE_IMAGE={base}",
        ]
        subprocess.run(build, check=True)
    return Image(client, name)


@pytest.fixture(scope="session")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tests' DAG, for any user to read."""
    home = tmp_path_factory.mktemp("home")
    write_dag(home)
    for folder in (home, *home.parents[:2]):
        folder.chmod(0o755)
    return home / "dags"


class Starter:
    """Starts containers as ECS would: read-only root, /tmp and the logs writable.

    Args:
        image: of which image.
        options: more of `docker run`.
    """

    def __init__(self, image: Image, *options: str) -> None:
        self.image = image
        self.name = f"worker-test-{uuid.uuid4().hex[:8]}"
        self.options = options

    def __call__(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start one; it sees what listens on this machine's loopback."""
        settings = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        options = ("--read-only", "--network", "host", "--name", self.name, *self.options)
        logs = ("--tmpfs", "/opt/airflow/logs:mode=1777")
        command = self.image.command(*words, options=(*options, *logs, *settings))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def container(image: Image, dags: Path) -> Starter:
    """A starter of containers that see the tests' DAGs."""
    return Starter(image, "--volume", f"{dags}:/opt/airflow/dags:ro")


@pytest.fixture
def airflow_version(image: Image) -> str:
    """The Airflow release in the image; Airflow 2 has tests of its own."""
    if image.airflow_version.startswith("2."):
        pytest.skip("is about Airflow 3, and the image holds Airflow 2")
    return image.airflow_version
