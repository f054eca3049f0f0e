"""From results to the terminal's table and to docs/chaos.md. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.stage import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN, END = "<!-- begin: made by make chaos -->", "<!-- end: made by make chaos -->"
FIGURES = (
    "tasks",
    "injected",
    "succeeded",
    "failed",
    "duplicates",
    "lost",
    "wrongly_failed",
    "leaked",
    "left",
    "strayed",
)


class Row:
    """One line of the table. complaint: what is not as expected, empty when all is."""

    def __init__(self, part: str, words: Sequence[str], sums: Sums, complaint: str = "") -> None:
        self.part, self.words, self.sums = part, tuple(words), sums
        self.complaint = complaint or (f"{sums}" if sums.faulty else "")

    def line(self) -> str:
        """Return the line as a terminal shows it."""
        figures = " ".join(f"{value:>6}" for value in self.sums.row()[:4])
        return f"{'ok ' if not self.complaint else 'BAD'} {self.words[0]:34} {figures}  {self.complaint}"


def total(rows: Sequence[Row]) -> Sums:
    """Return the sums of all rows."""
    return sum((row.sums for row in rows), Sums())


def summary(rows: Sequence[Row], combinations: int) -> str:
    """Return the last lines that `make chaos` prints."""
    sums = total(rows)
    scenarios = sum(row.part != "combinations" for row in rows)
    return (
        f"{scenarios} scenarios and {combinations} random combinations, {sums.injected:,} faults injected, "
        f"{sums.tasks:,} tasks ({sums.succeeded:,} succeeded, {sums.failed:,} failed as they should): "
        f"{sums.duplicates} duplicates, {sums.lost} lost, {sums.wrongly_failed} wrongly failed, "
        f"{sums.leaked} slots leaked, {sums.left} containers left running, "
        f"{sums.strayed} on another standby than their fate"
    )


def page(text: str, rows: Sequence[Row], combinations: int, conditions: str) -> str:
    """Return the page with the part between its markers made anew."""
    lines = [BEGIN, "", f"{summary(rows, combinations)}.", "", conditions, ""]
    for part, title, words in (
        ("catalogue", "By name", ("scenario", "fault", "source", "expected, and found")),
        ("wires", "Over HTTP, with threads and sockets", ("scenario", "fault", "source")),
        ("combinations", "Random combinations", ("search", "of", "seed")),
    ):
        found = [row for row in rows if row.part == part]
        if not found:
            continue
        lines += [f"### {title}", "", _cells((*words, "tasks", "injected", "succeeded", "failed"))]
        lines.append("|" + "---|" * len(words) + "---:|" * 4)
        lines += [_cells((*row.words, *(f"{value:,}" for value in row.sums.row()[:4]))) for row in found]
        lines.append("")
    before, _, rest = text.partition(BEGIN)
    return before + "\n".join(lines) + "\n" + END + rest.partition(END)[2]


def _cells(values: Sequence[str]) -> str:
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"
