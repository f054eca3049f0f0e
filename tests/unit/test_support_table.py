"""The page with the contract suite's results for each Airflow release."""

from __future__ import annotations

import re
from pathlib import Path

import support_table

TESTS = Path(__file__).parents[1]


def test_the_page_has_every_release_and_every_point() -> None:
    """The page shows every release with a lock and every test of the suite; otherwise, run `make support`."""
    shown = support_table.read_table(support_table.PAGE.read_text(encoding="utf-8"))
    locks = {file.stem.removeprefix("airflow-") for file in (TESTS / "requirements").glob("airflow-*.in")}
    assert set(shown) == locks
    sources = "".join(file.read_text(encoding="utf-8") for file in (TESTS / "contract/airflow").glob("*.py"))
    named = set(re.findall(r'mark\.point\(\s*"([^"]+)"', sources))
    for release, points in shown.items():
        assert named - {"a sentence"} == set(points), release
        assert "BROKEN" not in points.values()


def test_a_table_is_read_as_it_was_written() -> None:
    """Releases are columns and tests are rows; a dash means that a release lacks the feature."""
    results = [
        {"release": "2.11.2", "points": {"a": "yes"}},
        {"release": "3.3.2", "points": {"a": "yes", "b": "yes"}},
    ]
    page = f"{support_table.BEGIN}\n\n{support_table.table_of(results)}\n\n{support_table.END}"
    assert support_table.read_table(page) == {
        "2.11.2": {"a": "yes", "b": "—"},
        "3.3.2": {"a": "yes", "b": "yes"},
    }
