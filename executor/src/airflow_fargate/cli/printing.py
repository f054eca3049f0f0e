"""Rows, for a person (``table``, ``plain``) or for a program (``json``, ``yaml``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.cli.simple_table import AirflowConsole

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDE = 150
"""Columns of a terminal from which on a row keeps its long names; narrower, they would break every cell."""


def show(
    output: str,
    people: Sequence[dict[str, str]],
    programs: Sequence[dict[str, Any]],
    *,
    long: tuple[str, ...] = (),
) -> None:
    """Print rows; nothing when there are none, but an empty list for a program.

    Args:
        output: json, yaml, table or plain.
        people: the rows in words: ages, sizes, prices.
        programs: the same rows with numbers, and with names that stay.
        long: columns that a table leaves out where it would be too wide.
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
