"""The worker image, built once for the tests of this folder, and how to run it.

IMAGE names an image that is there already; otherwise it is built on BASE_IMAGE. DOCKER_HOST names the engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from unit.worker.task_run import write_dag

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from worker_image.build import BuildError, find_engine  # noqa: E402


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

    def inspect(self) -> dict[str, Any]:
        """Return what the engine says of the image."""
        done = subprocess.run([self.client, "image", "inspect", self.name], capture_output=True, check=True)
        described: dict[str, Any] = json.loads(done.stdout)[0]
        return described

    @property
    def airflow_version(self) -> str:
        """The Airflow release in it, by its label."""
        return str(self.inspect()["Config"]["Labels"]["airflow-fargate.airflow-version"])

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
