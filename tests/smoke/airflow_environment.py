"""The environment of an Airflow release: ``.venv``, or the one of the contract suite."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from smoke.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.airflow_releases import AirflowRelease
    from smoke.processes import Programs


def make_airflow(programs: Programs, release: AirflowRelease, tools: Path) -> Path:
    """Return the environment with the release's Airflow; nox makes it if it is missing or its lock changed.

    ``tools`` is ``.venv``.
    """
    if release.is_in_dev:
        return tools
    session = f"contract-{release.version}"
    # With --install-only, nox makes the environment and runs none of the session's commands.
    command = [str(tools / "bin" / "nox"), "-s", session, "--install-only"]
    path = os.pathsep.join([str(tools / "bin"), os.environ.get("PATH", "")])
    programs.run(command, "airflow-environment", env={**os.environ, "PATH": path}, cwd=ROOT)
    return ROOT / ".nox" / session.replace(".", "-")
