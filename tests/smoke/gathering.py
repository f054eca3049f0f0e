"""Runs :mod:`smoke.gather` as a child process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smoke.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.cloud import LocalCloud
    from smoke.processes import Programs
    from smoke.settings import Settings


@dataclass(frozen=True)
class Gathering:
    """Runs the child process.

    Args:
        programs: starts it.
        settings: the folder for its files.
        venv: the environment with boto3.
        cloud: the account.
    """

    programs: Programs
    settings: Settings
    venv: Path
    cloud: LocalCloud

    def ask(self, verb: str, **order: Any) -> dict[str, Any]:
        """Run a verb and return its result."""
        folder = self.settings.state
        asked, answered = folder / f"{verb}-order.json", folder / f"{verb}.json"
        asked.write_text(json.dumps(order), encoding="utf-8")
        self.programs.run(
            [str(self.venv / "bin" / "python"), "-m", "smoke.gather", verb, str(asked), str(answered)],
            f"gather-{verb}",
            env={**self.cloud.environment, "PYTHONPATH": str(ROOT / "tests")},
            timeout=120,
        )
        return dict(json.loads(answered.read_text(encoding="utf-8")))
