"""`python -m chaos` runs the catalogue, the random combinations and the wire scenarios."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.metadata import Metadata
from chaos.catalogue import CATALOGUE
from chaos.combinations import search
from chaos.page import Row, page, summary
from chaos.scenario import Scenario, play
from chaos.sockets import WIRES, WireScenario, play_wire
from chaos.stage import Sums

PAGE = Path(__file__).resolve().parents[2] / "docs" / "chaos.md"
EXAMPLES = 1000
AT_ONCE = 4
"""Wires that are played together: they wait most of the time."""


def main() -> int:
    """Run everything; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of every chance in it (SEED=)")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="random combinations (EXAMPLES=)")
    parser.add_argument("--only", default="", help="scenarios whose names hold this, and no combinations")
    parser.add_argument("--docs", action="store_true", help="write docs/chaos.md")
    given = parser.parse_args()
    # What goes wrong on purpose would be logged a hundred thousand times.
    logging.disable(logging.CRITICAL)
    begun = time.monotonic()
    rows = [_played(each, given.seed) for each in CATALOGUE if given.only in each.name]
    played = 0
    if not given.only:
        row, played = _searched(given.examples, given.seed)
        rows.append(row)
    with Metadata() as metadata, ThreadPoolExecutor(AT_ONCE) as pool:
        wires = [each for each in WIRES if given.only in each.name]
        rows += list(pool.map(partial(_wired, metadata=metadata), wires))
    bad = [row for row in rows if row.complaint]
    print(f"\n{summary(rows, played)}; {time.monotonic() - begun:.0f} s")
    if bad:
        print(f"Not as expected: {', '.join(row.words[0] for row in bad)}.")
        return 1
    if given.docs:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(page(text, rows, played, _conditions(time.monotonic() - begun)), encoding="utf-8")
    return 0


def _played(scenario: Scenario, seed: int) -> Row:
    result = play(scenario, seed)
    words = (scenario.name, scenario.fault, scenario.source, scenario.expected)
    return _shown(Row("catalogue", words, result.sums, result.complaint))


def _searched(examples: int, seed: int) -> tuple[Row, int]:
    words = ("combinations", f"{examples} examples", str(seed))
    try:
        sums, played = search(examples, seed)
    except AssertionError as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        complaint = f"\n{error}\n{notes}\nAgain with: make chaos SEED={seed} EXAMPLES={examples}"
        return _shown(Row("combinations", words, Sums(), complaint)), 0
    return _shown(Row("combinations", words, sums)), played


def _wired(scenario: WireScenario, metadata: Metadata) -> Row:
    words = (f"wire: {scenario.name}", scenario.fault, scenario.source)
    try:
        return _shown(Row("wires", words, play_wire(scenario, metadata)))
    except (RuntimeError, OSError) as error:
        return _shown(Row("wires", words, Sums(), repr(error)))


def _shown(row: Row) -> Row:
    print(row.line(), flush=True)
    return row


def _conditions(seconds: float) -> str:
    packages = ("airflow-fargate", "apache-airflow", "boto3", "hypothesis")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"`{_command()}` on {os.cpu_count()} cores under {platform.system()} {platform.machine()}, in "
        f"{seconds:.0f} s; Python {platform.python_version()}, {versions}."
    )


def _command() -> str:
    named = {"--seed": "SEED", "--examples": "EXAMPLES"}
    given = dict(zip(sys.argv[1:], sys.argv[2:], strict=False))
    return " ".join(
        ["make chaos", *(f"{name}={given[flag]}" for flag, name in named.items() if flag in given)]
    )


if __name__ == "__main__":
    sys.exit(main())
