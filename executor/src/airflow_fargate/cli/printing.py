"""Print rows for people (``table``, ``plain``) or for programs (``json``, ``yaml``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.cli.simple_table import AirflowConsole

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDE = 150
"""Columns of a terminal that are enough for the long names; in a narrower one they would break every row."""


def show(
    output: str,
    people: Sequence[dict[str, str]],
    programs: Sequence[dict[str, Any]],
    *,
    long: tuple[str, ...] = (),
) -> None:
    """Print rows. Without rows, print an empty list for programs and nothing for people.

    Args:
        output: json, yaml, table or plain.
        people: the rows as text: ages, sizes, prices.
        programs: the same rows with numbers and stable names.
        long: columns to leave out of a table that would be too wide.
    """
    console = AirflowConsole()
    if output == "json":
        console.print_as_json(list(programs))
    elif output == "yaml":
        console.print_as_yaml(list(programs))
    elif people:
        hidden = long if output == "table" and console.width < _WIDE else ()
        rows = [{name: text for name, text in row.items() if name not in hidden} for row in people]
        console.print_as(data=rows, output=output)
