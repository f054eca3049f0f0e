"""``make cloud``: the local cloud alone, to try Terraform and boto3 with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke import environment
from smoke.cloud import start_cloud
from smoke.engine import ensure_engine
from smoke.image_registry import start_registry
from smoke.postgres import install_postgres, obtainable
from smoke.settings import REGION, port_in_use

if TYPE_CHECKING:
    from smoke.session import Session

USUAL_PORT = 4566


def run_cloud(session: Session) -> None:
    """Start engine, registry and cloud, print how to use it, and wait for Ctrl-C or a failure."""
    programs, settings = session.programs, session.settings
    if "CLOUD_PORT" not in settings.given_ports and not port_in_use(USUAL_PORT):
        settings.given_ports["CLOUD_PORT"] = USUAL_PORT
    python = environment.make("dev") / "bin" / "python"
    engine = ensure_engine(programs, settings)
    if obtainable():
        install_postgres(programs)  # for DB instances
    registry = start_registry(programs, settings, engine, session.note_port("REGISTRY_PORT"))
    cloud = start_cloud(programs, settings, engine, python, (session.note_port("CLOUD_PORT"), registry))
    line = session.progress.line
    line("The local cloud is running; Ctrl-C stops it. In another shell:")
    line(f"  export AWS_ENDPOINT_URL={cloud.url} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}")
    line("  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local")
    line(f"Databases: {cloud.url}/_local/databases (name, status, address), {cloud.url}/_local/rds-ca.pem")
    line(f"Images for tasks: push to {registry}, with DOCKER_HOST={engine.host}")
    while not session.stop.wait(0.5):
        programs.check()
