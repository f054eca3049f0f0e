"""The quick version of `make mutate`: one small module, and a current list of survivors."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mutation.__main__ import TESTS, source_of
from mutation.mutants import mutants
from mutation.survivors import SURVIVORS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tests.md"


def names(module: str) -> list[str]:
    """Return the names of a module's mutants, as in survivors.py."""
    source = source_of(module).read_text(encoding="utf-8")
    lines = source.splitlines()
    return [f"{module}: {lines[each.line - 1].strip()} | {each.what}" for each in mutants(source)]


def test_a_sample_of_a_module_is_noticed() -> None:
    """In five seconds, the driver tries some mutants of `tasks.states`, and a test fails on each."""
    command = [sys.executable, "-m", "mutation", "--seconds", "5", "tasks.states"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": "tests"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^[1-9]\d* of \d+ mutants were tried", done.stdout, re.MULTILINE)


def test_every_known_survivor_still_exists() -> None:
    """A survivor whose line has changed needs a new entry, or none."""
    existing = {name for module in TESTS for name in names(module)}
    assert set(SURVIVORS) - existing == set()


@pytest.mark.parametrize("module", TESTS)
def test_the_page_is_current(module: str) -> None:
    """docs/tests.md has each module's number of mutants within 10 %; otherwise, run `make mutate`."""
    row = re.search(rf"^\| {module} \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    assert int(row[1]) == pytest.approx(len(names(module)), rel=0.1)


def test_every_kind_of_change_is_made() -> None:
    """Mutants change comparisons, numbers, words, table rows, conditions and returned values."""
    source = "TABLE = {'a': 1}\ndef f(x):\n    if x < 2:\n        return x + 1\n"
    assert {each.what for each in mutants(source)} == {
        "without the entry 'a'",
        "'a' -> other text",
        "1 -> 2",
        "2 -> 3",
        "Lt -> LtE",
        "condition -> its opposite",
        "Add -> Sub",
        "returns None",
    }


def test_text_for_people_is_not_changed() -> None:
    """Docstrings, messages and annotations make no mutants, because no test pins them."""
    source = '"""Doc."""\ndef f(x: int) -> "T":\n    """Do."""\n    raise ValueError(f"{x}: no")\n'
    assert list(mutants(source)) == []
