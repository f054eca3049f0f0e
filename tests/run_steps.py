"""Runs the steps of ``make test`` in parallel lanes, and prints where the time went.

``python tests/run_steps.py LANE...``; a lane is a list of make targets with their variables, separated by
commas, such as ``"lint, test-boto3 BOTO3=oldest"``. A lane runs its steps in order and ends at the first
failure. Each step writes to ``.test/logs/<step>.log``, which is printed if it fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from smoke.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / ".test" / "logs"
LOOK_EVERY = 2.0
NOTE_EVERY = 30.0
"""Seconds between two lines about a step if the output is not a terminal."""
NOT_RUN = "not run"


@dataclass
class Step:
    """One make target and its outcome.

    Args:
        target: its name in the Makefile.
        variables: ``NAME=value`` for make.
    """

    target: str
    variables: tuple[str, ...] = ()
    outcome: str = NOT_RUN
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = LOGS / f"{self.target}.log"

    def run(self, watch: Callable[[Step], None]) -> None:
        """Run it to its end; ``watch`` is called every few seconds."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with self.log.open("wb") as out:
            command = [os.environ.get("MAKE", "make"), "--no-print-directory", self.target, *self.variables]
            process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
            ended = 0
            while not ended:
                time.sleep(LOOK_EVERY)
                watch(self)
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds = time.monotonic() - began
        self.cpu_seconds = used.ru_utime + used.ru_stime
        self.outcome = "FAILED" if process.returncode else "ok"

    @property
    def text(self) -> str:
        """Its output so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def at(self) -> str:
        """Its progress: pytest's percentage, or its last line."""
        lines = self.text.strip().splitlines() or [""]
        percents = re.findall(r"\[ *(\d+)%\]$", "\n".join(lines[-2:]), re.MULTILINE)
        return f"{percents[-1]} %" if percents else lines[-1].strip()[:70]


def read_lanes(arguments: Sequence[str]) -> list[list[Step]]:
    """Parse the command line."""
    lanes = []
    for lane in arguments:
        parts = [part.split() for part in lane.split(",")]
        lanes.append([Step(target, tuple(variables)) for target, *variables in parts])
    return lanes


def run_lane(lane: Sequence[Step], progress: Progress, watch: Callable[[Step], None]) -> None:
    """Run a lane's steps until one fails."""
    for step in lane:
        progress.begin(step.target)
        step.run(watch)
        progress.note(step.target, step.at)
        progress.end(step.target, step.outcome)
        if step.outcome == "FAILED":
            progress.line(f"---- {step.log.relative_to(ROOT)}\n{step.text.rstrip()}\n----")
            return


def table(lanes: Sequence[Sequence[Step]], seconds: float) -> list[str]:
    """Return the summary as Markdown, with a row for each step."""
    rows = ["| step | result | seconds | CPU seconds |", "|---|---|---:|---:|"]
    rows += [
        f"| {step.target} | {step.outcome} | {step.seconds:.0f} | {step.cpu_seconds:.0f} |"
        for lane in lanes
        for step in lane
    ]
    every = sum(step.cpu_seconds for lane in lanes for step in lane)
    return [*rows, f"| all, {len(lanes)} lanes side by side | | {seconds:.0f} | {every:.0f} |"]


def main(arguments: Sequence[str]) -> int:
    """Run the lanes; return 1 unless every step passed."""
    lanes = read_lanes(arguments)
    terminal = sys.stdout.isatty()
    progress = Progress(sys.stdout, time.monotonic, terminal=terminal)
    noted: dict[str, float] = {}

    def watch(step: Step) -> None:
        if terminal or progress.elapsed - noted.setdefault(step.target, progress.elapsed) > NOTE_EVERY:
            noted[step.target] = progress.elapsed
            progress.note(step.target, step.at)
        progress.tick()

    threads = [threading.Thread(target=run_lane, args=(lane, progress, watch)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.line("\n" + "\n".join(table(lanes, progress.elapsed)))
    bad = [step.target for lane in lanes for step in lane if step.outcome == "FAILED"]
    left = [step.target for lane in lanes for step in lane if step.outcome == NOT_RUN]
    if bad:
        rest = f"; {', '.join(left)} did not run" if left else ""
        progress.line(f"\nmake test FAILED in {progress.elapsed:.0f} s: {', '.join(bad)}{rest}.")
        return 1
    progress.line(f"\nmake test passed in {progress.elapsed:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
