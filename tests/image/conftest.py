"""The worker image and the control image, built once for the tests of this folder, and how to run them.

IMAGE names an image of either kind that is there already, and CONTROL_IMAGE a control image; otherwise they
are built on BASE_IMAGE. DOCKER_HOST names the engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

import needs
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
        # Only the worker's entrypoint runs any program.
        if words and words[0] in ("bash", "python") and self.kind == "control":
            options, words = (*options, "--entrypoint", words[0]), words[1:]
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

    @cached_property
    def kind(self) -> str:
        """Worker or control, by its label; empty where it is another's image."""
        labels = self.inspect()["Config"]["Labels"] or {}
        return str(labels.get("org.opencontainers.image.title", "")).rpartition("-")[2]

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
    """The image under test: IMAGE where that is set, else a worker image built now on BASE_IMAGE."""
    return built("worker", os.environ.get("IMAGE"))


@pytest.fixture(scope="session")
def control(image: Image) -> Image:
    """The control image: the image under test if it is one, CONTROL_IMAGE, or one built now on BASE_IMAGE."""
    return image if image.kind == "control" else built("control", os.environ.get("CONTROL_IMAGE"))


def built(kind: str, name: str | None) -> Image:
    """Return an image that is there, or build one; skip the test where there is nothing to build it on."""
    try:
        client = find_engine()[0]
    except BuildError as error:
        needs.engine_failed(error)
    if not name:
        base = os.environ.get("BASE_IMAGE")
        if not base:
            pytest.skip(f"needs the {kind} image: name it, or give BASE_IMAGE to build it on")
        name = f"airflow-fargate/{kind}:test"
        words = [f"KIND={kind}", f"IMAGE={name}", f"BASE_IMAGE={base}"]
        subprocess.run([sys.executable, str(ROOT / "worker_image" / "build.py"), *words], check=True)
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
    if image.airflow_version.startswith("2.") or image.kind == "control":
        pytest.skip("is about tasks of Airflow 3, and the image is another")
    return image.airflow_version
