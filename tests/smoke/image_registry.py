"""An image registry on loopback, in place of ECR's data plane."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from smoke.apt import can_install, find_program, install

if TYPE_CHECKING:
    from smoke.engine import Engine
    from smoke.processes import Programs
    from smoke.settings import Settings

IMAGE = "registry:2"
CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{folder}"}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


def answers(url: str) -> bool:
    """Return whether an HTTP GET of the address succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310  # an address of ours on loopback
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def start_registry(programs: Programs, settings: Settings, engine: Engine, port: int) -> str:
    """Start the registry and return its address, such as ``127.0.0.1:5000``.

    It is Debian's package if that is installed or can be, or the public image. Pushed layers stay in the
    cache folder, so that the next run pushes only changes.
    """
    address = f"127.0.0.1:{port}"
    folder = settings.cache / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    if find_program("docker-registry") is None and can_install():
        install(programs, ["docker-registry"], "A local registry is needed")
    program = find_program("docker-registry")
    if program is not None:
        file = settings.state / "registry.yml"
        file.write_text(CONFIGURATION.format(folder=folder, port=port), encoding="utf-8")
        command = [program, "serve", str(file)]
    else:
        volume = f"{folder}:/var/lib/registry"
        published = f"{address}:5000"
        command = [
            engine.client,
            "run",
            "--rm",
            "-v",
            volume,
            "-p",
            published,
            "--name",
            f"af-registry-{port}",
            IMAGE,
        ]
    service = programs.start("registry", command, env=engine.environment, grace=10)
    programs.wait_until(service, lambda: answers(f"http://{address}/v2/"), 60)
    return address
