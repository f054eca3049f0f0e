"""Compares the run's AWS calls with Terraform's policies: each call is permitted, each permission is used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from smoke.checks import Finding
from smoke.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.cloud import LocalCloud
    from smoke.processes import Programs
    from smoke.settings import Settings

NAME = "every AWS call was permitted, and every permission was needed"


def judge_permissions(programs: Programs, settings: Settings, venv: Path, cloud: LocalCloud) -> Finding:
    """Compare the calls that the local cloud recorded with the applied policies; needs ``outputs.json``."""
    answered = settings.state / "permissions.json"
    programs.run(
        [
            str(venv / "bin" / "python"),
            "-m",
            "terraform.run_permissions",
            str(settings.state / "outputs.json"),
            str(answered),
            *(["commands"] if settings.release.tasks_open_the_database else []),
        ],
        "permissions",
        env={**cloud.environment, "PYTHONPATH": str(ROOT / "tests")},
        timeout=120,
    )
    return Finding(NAME, tuple(json.loads(answered.read_text(encoding="utf-8"))))
