"""Writes docs/support.md: the results of the contract suite for each release.

``python tests/support_table.py write FILE...`` writes the table of all releases; ``check FILE...`` compares
the page with the results. The files are the suite's output (``CONTRACT_RESULTS``).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "support.md"
BEGIN, END = "<!-- table: written by `make support` -->", "<!-- end of the table -->"


def read_table(page: str) -> dict[str, dict[str, str]]:
    """Return release -> test -> cell of a page."""
    lines = page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    if not rows:
        return {}
    return {
        release: {row[0]: row[number] for row in rows[2:]} for number, release in enumerate(rows[0]) if number
    }


def table_of(results: list[dict[str, dict[str, str]]]) -> str:
    """Return the table, with releases in the order of the results."""
    releases = [str(each["release"]) for each in results]
    points = list(dict.fromkeys(point for each in results for point in each["points"]))
    lines = [["point", *releases], ["---"] * (1 + len(releases))]
    lines += [[point, *(each["points"].get(point, "—") for each in results)] for point in points]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(words: list[str]) -> int:
    """Write or check; return 1 if the page is stale or a test failed."""
    results = [json.loads(Path(each).read_text(encoding="utf-8")) for each in words[1:]]
    page = PAGE.read_text(encoding="utf-8")
    if words[0] == "write":
        before, _, rest = page.partition(BEGIN)
        text = f"{before}{BEGIN}\n\n{table_of(results)}\n\n{END}{rest.partition(END)[2]}"
        PAGE.write_text(text, encoding="utf-8")
        return 0
    shown = read_table(page)
    stale = [each["release"] for each in results if shown.get(str(each["release"])) != each["points"]]
    if stale:
        print(f"docs/support.md is stale for Airflow {', '.join(map(str, stale))}: run `make support`.")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
