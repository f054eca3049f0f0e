"""The property tests of `make test` run the same examples every time."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from hypothesis_profiles import share_of_examples

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FIXED = settings.get_profile("fixed")


def drawn() -> list[str]:
    """Return the examples of one property, in order."""
    seen: list[str] = []

    @settings(FIXED)
    @given(st.text())
    def a_property(text: str) -> None:
        seen.append(text)

    a_property()
    return seen


def test_fixed_examples_do_not_depend_on_what_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypothesis reads constants of local modules, so another test's imports would change the examples."""
    monkeypatch.setattr(settings, "_current_profile", "fixed")
    before = drawn()

    source = tmp_path / "many_constants.py"
    source.write_text(f"WORDS = {[f'constant {number}' for number in range(99)]}", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("many_constants", source)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "many_constants", module)

    assert drawn() == before
    assert len(before) == FIXED.max_examples


def test_fixed_examples_run_without_a_deadline_or_a_database() -> None:
    """A slow machine or an earlier run changes nothing."""
    assert FIXED.derandomize
    assert FIXED.deadline is None
    assert FIXED.database is None


def test_a_slow_property_runs_its_share_of_any_profile() -> None:
    """A share of 0.6 is 60 of 100 examples, and 1200 of 2000."""
    assert share_of_examples(0.6).max_examples == settings().max_examples * 6 // 10
