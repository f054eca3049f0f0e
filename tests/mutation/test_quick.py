"""The quick version of `make mutate`, as CI runs it: one small module, and no reason without its line."""

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
    """Return how the mutants of a module are called in survivors.py."""
    source = source_of(module).read_text(encoding="utf-8")
    lines = source.splitlines()
    return [f"{module}: {lines[each.line - 1].strip()} | {each.what}" for each in mutants(source)]


def test_a_sample_of_a_module_is_noticed() -> None:
    """The driver works, and what it tries of `tasks.states` in a few seconds some test notices."""
    command = [sys.executable, "-m", "mutation", "--seconds", "5", "tasks.states"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": "tests"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^[1-9]\d* of \d+ mutants were tried", done.stdout, re.MULTILINE)


def test_what_is_known_to_survive_still_exists() -> None:
    """A reason whose line was changed is a reason for nothing: it goes, or is given for the new line."""
    there_are = {name for module in TESTS for name in names(module)}
    assert set(SURVIVORS) - there_are == set()


@pytest.mark.parametrize("module", TESTS)
def test_the_page_tells_of_the_modules_as_they_are(module: str) -> None:
    """docs/tests.md has each module, with its number of mutants within a tenth: else `make mutate` is due."""
    row = re.search(rf"^\| {module} \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    assert int(row[1]) == pytest.approx(len(names(module)), rel=0.1)


def test_every_kind_of_change_is_made() -> None:
    """A comparison, a number, a word, a row of a table, a condition and a returned value."""
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


def test_words_for_people_are_left_alone() -> None:
    """Docstrings, messages and annotations make no mutants: no test pins them."""
    source = '"""Doc."""\ndef f(x: int) -> "T":\n    """Do."""\n    raise ValueError(f"{x}: no")\n'
    assert list(mutants(source)) == []
