"""What both ways of the smoke start first: environment, container engine, registry, cloud, base image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke import environment
from smoke.base_image import ensure_base
from smoke.cloud import start_cloud
from smoke.engine import ensure_engine
from smoke.image_registry import start_registry

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.cloud import LocalCloud
    from smoke.engine import Engine
    from smoke.session import Session
    from smoke.steps import Plan, Step


@dataclass(frozen=True)
class Machine:
    """The steps.

    Args:
        venv: the folder of the tests' environment.
        engine: runs the containers.
        registry: address of the registry behind the cloud's ECR.
        cloud: the account.
        base: the images' base.
    """

    venv: Step[Path]
    engine: Step[Engine]
    registry: Step[str]
    cloud: Step[LocalCloud]
    base: Step[str]


def add_machine(plan: Plan, session: Session) -> Machine:
    """Add the steps to a plan."""
    programs, settings, progress = session.programs, session.settings, session.progress

    def make_engine() -> Engine:
        found = ensure_engine(programs, settings)
        whose = "private" if found.private else "already running"
        progress.note("container engine", f"Docker {found.version}, {whose}")
        return found

    def make_cloud() -> LocalCloud:
        listen = (session.note_port("CLOUD_PORT"), registry.value)
        return start_cloud(programs, settings, engine.value, venv.value / "bin" / "python", listen)

    venv = plan.add("virtual environment", lambda: environment.make("dev"))
    engine = plan.add("container engine", make_engine)
    registry = plan.add(
        "registry",
        lambda: start_registry(programs, settings, engine.value, session.note_port("REGISTRY_PORT")),
        [engine],
    )
    cloud = plan.add("local cloud", make_cloud, [engine, venv, registry])
    base = plan.add(
        "base image",
        lambda: ensure_base(programs, settings, engine.value, lambda text: progress.note("base image", text)),
        [engine],
    )
    return Machine(venv, engine, registry, cloud, base)
