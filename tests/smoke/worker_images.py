"""The worker image, and the smoke's image on top of it, which contains the DAGs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from smoke.airflow_releases import find_release
from smoke.airflow_services import copy_dags
from smoke.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.airflow_releases import AirflowRelease
    from smoke.engine import Engine
    from smoke.processes import Programs
    from smoke.settings import Settings

WORKER = find_release().worker_image
WITH_DAGS = "airflow-fargate/smoke:dags"
DOCKERFILE = "FROM {worker}\nCOPY --chown=50000:0 dags /opt/airflow/dags\n"


def build_worker(programs: Programs, engine: Engine, base: str, release: AirflowRelease | None = None) -> str:
    """Build the worker image with ``make build``, as a user does, and return its name."""
    release = release or find_release()
    words = [f"AIRFLOW={release.version}", f"BASE_IMAGE={base}", f"IMAGE={release.worker_image}"]
    command = ["make", "-s", "-C", str(ROOT), "build", *words]
    programs.run(command, "worker-image", env=engine.environment, timeout=1200)
    return release.worker_image


def build_with_dags(programs: Programs, settings: Settings, engine: Engine, venv: Path, worker: str) -> str:
    """Build an image with our DAGs and Airflow's example from ``venv``; return its name."""
    context = settings.state / "image"
    (context / "dags").mkdir(parents=True)
    copy_dags(venv, context / "dags")
    (context / "Dockerfile").write_text(DOCKERFILE.format(worker=worker), encoding="utf-8")
    command = [engine.client, "build", "-q", "-t", WITH_DAGS, str(context)]
    programs.run(command, "smoke-image", env=engine.environment)
    return WITH_DAGS


def push(programs: Programs, engine: Engine, image: str, registry: str, reference: str) -> str:
    """Push an image to the local registry under the repository and tag of an ECR reference.

    ``reference`` is the task definition's, such as ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG``.
    """
    target = f"{registry}/{reference.partition('/')[2]}"
    programs.run([engine.client, "tag", image, target], "push", env=engine.environment)
    programs.run(
        ["make", "-s", "-C", str(ROOT), "push", f"IMAGE={target}"],
        "push",
        env=engine.environment,
        timeout=600,
    )
    return target


def digest(text: str) -> str:
    """Return a short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
