"""The worker image, and the smoke's own on top of it, in which the DAGs are baked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from smoke.airflow_services import copy_dags
from smoke.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.engine import Engine
    from smoke.processes import Programs
    from smoke.settings import Settings

WORKER = "airflow-fargate/worker:smoke"
WITH_DAGS = "airflow-fargate/smoke:dags"
DOCKERFILE = f"FROM {WORKER}\nCOPY --chown=50000:0 dags /opt/airflow/dags\n"


def build_worker(programs: Programs, engine: Engine, base: str) -> str:
    """Build the worker image through ``make build``, as a user would, and return its name."""
    command = ["make", "-s", "-C", str(ROOT), "build", f"BASE_IMAGE={base}", f"IMAGE={WORKER}"]
    programs.run(command, "worker-image", env=engine.environment, timeout=1200)
    return WORKER


def build_with_dags(programs: Programs, settings: Settings, engine: Engine, venv: Path) -> str:
    """Bake the DAGs into an image from the worker image and return its name."""
    context = settings.state / "image"
    (context / "dags").mkdir(parents=True)
    copy_dags(venv, context / "dags")
    (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    command = [engine.client, "build", "-q", "-t", WITH_DAGS, str(context)]
    programs.run(command, "smoke-image", env=engine.environment)
    return WITH_DAGS


def push(programs: Programs, engine: Engine, image: str, registry: str, reference: str) -> str:
    """Push an image to the local registry under the repository and tag of an ECR reference.

    ``reference`` is what the task definition names, as ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG``.
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
