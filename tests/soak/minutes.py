"""Real minutes: the executor in a separate process, over HTTP, at twenty launches a second."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.cloud import Cloud, CloudSetup
from benchmarks.records import Home
from benchmarks.sizes import quotas
from soak.executor_process import Plan, encode
from soak.gauges import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADROOM = 2
"""A factor for AWS's limits: at the limit itself, the queue of waiting launches would grow."""


@dataclass(frozen=True)
class Outcome:
    """Samples, and what became of the tasks: queued, success, failed, still running."""

    samples: list[Sample]
    ledger: Mapping[str, int]

    @property
    def settled(self) -> bool:
        """Whether every task succeeded, and none is left."""
        found = self.ledger
        return found["queued"] == found["success"] and not found["running"] and not found["failed"]


def soak(plan: Plan) -> Outcome:
    """Run the plan in a separate process.

    Raises:
        RuntimeError: the process failed; the message holds the end of its output.
    """
    home = Home()
    try:
        with Cloud(CloudSetup(quotas=HEADROOM, run=[5, 20])) as cloud:
            cloud.open()
            environment = home.environment(cloud, "ours", payloads=True, options=quotas(HEADROOM))
            errors = home.path / "soak.err"
            with errors.open("w", encoding="utf-8") as complaints:
                done = subprocess.run(
                    [sys.executable, "-m", "soak.executor_process"],
                    input=encode(plan),
                    stdout=subprocess.PIPE,
                    stderr=complaints,
                    text=True,
                    cwd=home.path,
                    env=environment,
                    timeout=plan.seconds + plan.patience + 300,
                    check=False,
                )
            if done.returncode:
                last = errors.read_text(encoding="utf-8")[-2000:]
                raise RuntimeError(f"The executor's process ended with {done.returncode}: {last}")
    finally:
        home.close()
    *samples, ledger = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Outcome([Sample(**each) for each in samples], ledger["ledger"])
