"""The quick version of `make chaos`: the whole catalogue and few combinations.

One wire scenario runs in tests/benchmarks/test_quick.py, which has a PostgreSQL server.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.catalogue import CATALOGUE
from chaos.combinations import search
from chaos.page import BEGIN, END
from chaos.scenario import Scenario, play
from chaos.sockets import WIRES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "chaos.md"


@pytest.mark.parametrize("scenario", CATALOGUE, ids=lambda each: each.name)
def test_every_fault_has_its_expected_outcome(scenario: Scenario) -> None:
    """The numbers match the catalogue, without duplicates, losses, leaks or orphans."""
    result = play(scenario)
    assert result.complaint == ""
    assert result.sums.faulty == 0


def test_the_same_seed_gives_the_same_run() -> None:
    """Every random choice follows from the seed, so a failed run can be repeated."""
    (mixture,) = (each for each in CATALOGUE if each.name == "all at once")
    assert play(mixture, seed=3).sums == play(mixture, seed=3).sums
    assert play(mixture, seed=3).sums != play(mixture, seed=4).sums


def test_random_combinations_match_their_containers() -> None:
    """Sixty combinations of faults, exits, restarts and clock jumps; a failure prints the smallest one."""
    sums, played = search(60, number=0)
    assert played >= 60
    assert sums.injected > 0


def test_names_are_unique_and_the_page_has_them_all() -> None:
    """docs/chaos.md was made from this catalogue."""
    names = [each.name for each in CATALOGUE] + [f"wire: {each.name}" for each in WIRES]
    assert len(set(names)) == len(names)
    made = DOCS.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    shown = {line.split(" | ")[0].removeprefix("| ") for line in made.splitlines() if line.startswith("| ")}
    assert set(names) <= shown
