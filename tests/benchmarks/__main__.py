"""`python -m benchmarks`: run the scenarios, write their figures and, with --docs, docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.report import machine, summary, write_page
from benchmarks.scenarios import SCENARIOS
from benchmarks.sizes import FULL, QUICK
from benchmarks.stage import Stage

BY_NAME = ("faults", "events", "small", "shared", "scale", "standby", "refills")
"""Run only if named, so that the others fit into 40 minutes. The page keeps their figures."""
ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the scenarios that the command line names and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small versions, for CI")
    parser.add_argument("--only", help="scenarios, comma-separated", metavar="NAMES")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "benchmarks.json", metavar="FILE")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md and its plots")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else [name for name in SCENARIOS if name not in BY_NAME]
    if unknown := set(names) - set(SCENARIOS):
        known = ", ".join(SCENARIOS)
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}; choose from {known}")
    found = json.loads(given.json.read_text(encoding="utf-8")) if given.json.exists() else {}
    scenarios = {} if given.quick != found.get("quick") else found.get("scenarios", {})
    given.json.parent.mkdir(parents=True, exist_ok=True)
    with Stage() as stage:
        for name in names:
            begun = time.monotonic()
            outcome = SCENARIOS[name](stage, QUICK if given.quick else FULL)
            scenarios[name] = {
                "cases": outcome.cases,
                "curves": outcome.curves,
                "seconds": time.monotonic() - begun,
            }
            print(summary(name, outcome), flush=True)
            document = {"quick": given.quick, "machine": machine(), "scenarios": scenarios}
            given.json.write_text(json.dumps(document), encoding="utf-8")
    if given.docs:
        write_page(json.loads(given.json.read_text(encoding="utf-8")), ROOT / "docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
