"""The two kinds of base that the worker image is built on, and the stock way to compare with."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from worker_image import build

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
KINDS = ("plain", "official")


def base_of(kind: str, release: str, plain: str) -> str:
    """Return a base that the engine has: the plain one, the official image, or one of its layout made here.

    Args:
        kind: plain or official.
        release: the Airflow release.
        plain: a plain Python image that the engine has.
    """
    if kind == "plain":
        return plain
    official = f"apache/airflow:slim-{release}-python3.12"
    client = build.find_engine()[0]
    if (
        subprocess.run([client, "image", "inspect", official], capture_output=True, check=False).returncode
        == 0
    ):
        return official
    name = f"airflow-fargate/official-layout:{release}"
    files = {"constraints.txt": constraints(release)}
    arguments = {"BASE_IMAGE": plain, "AIRFLOW_VERSION": release}
    build_image(HERE / "official.Dockerfile", name, arguments, files)
    return name


def constraints(release: str) -> str:
    """Return what was current when the release came out, as Airflow's own constraints say it.

    Those are not a package on an index, so the tests' lock of the release replaces them.
    """
    lock = (build.ROOT / f"tests/requirements/airflow-{release}.txt").read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+==[^\\\n]+?)\s*\\?$", lock, re.MULTILINE)
    return "\n".join(pins) + "\n"


def stock(base: str, release: str) -> str:
    """Build the stock way on a base and return the image's name."""
    official = "slim-" in base or "official-layout" in base
    name = f"airflow-fargate/stock:{release}-{'official' if official else 'plain'}"
    arguments = {"BASE_IMAGE": base, "AIRFLOW_VERSION": release}
    if official:
        arguments["VENV"] = "/home/airflow/.local"
    build_image(HERE / "stock.Dockerfile", name, arguments, {})
    return name


def build_image(dockerfile: Path, name: str, arguments: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Build an image with the machine's index and certificates.

    Args:
        dockerfile: its Dockerfile.
        name: what it is called afterwards.
        arguments: of the build.
        files: the build's context, text by path.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:
        for file, text in files.items():
            path = Path(folder) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        command = [*build.find_engine(), "--quiet", "--file", str(dockerfile), "--tag", name]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        for key, path in build.secrets(Path(scratch)).items():
            command += ["--secret", f"id={key},src={path}"]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        subprocess.run([*command, folder], env=environment, stdout=subprocess.DEVNULL, check=True)
