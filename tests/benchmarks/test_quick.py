"""The quick version of `make bench`: small scenarios, judged by counts and never by times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import needs
from benchmarks.metadata import Metadata
from benchmarks.scenarios import SCENARIOS, Outcome
from benchmarks.sizes import QUICK
from benchmarks.stage import Stage
from chaos.sockets import WIRES, play_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.stage import Sums

NAMES = ("killed", "ends", "adoption", "simulator")


class Running:
    """All scenarios, and one of `make chaos`, at the same time: they wait most of the time."""

    def __init__(self, metadata: Metadata, pool: ThreadPoolExecutor) -> None:
        self._metadata = metadata
        self._scenarios = {name: pool.submit(self._play, name) for name in NAMES}
        self._resets = pool.submit(self._play_resets)

    def _play(self, name: str) -> Outcome:
        with Stage(self._metadata) as stage:
            return SCENARIOS[name](stage, QUICK)

    def _play_resets(self) -> Sums:
        (resets,) = (each for each in WIRES if each.name == "resets")
        short = tuple(replace(trouble, until=5.0) for trouble in resets.troubles)
        return play_wire(replace(resets, troubles=short, tasks=20, run=(1.0, 2.0)), self._metadata)

    def outcome(self, name: str) -> Outcome:
        """Return a scenario's outcome."""
        return self._scenarios[name].result()

    @property
    def resets(self) -> Sums:
        """What `make chaos` counts when connections are reset."""
        return self._resets.result()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Return the running scenarios; each has a cloud, a database and a scheduler."""
    needs.postgres()
    with Metadata() as metadata, ThreadPoolExecutor(len(NAMES) + 1) as pool:
        yield Running(metadata, pool)


def test_a_killed_scheduler_loses_no_task(running: Running) -> None:
    """Another scheduler adopts its tasks: each runs once, succeeds, and frees its slot."""
    for case in running.outcome("killed").cases.values():
        ours = case["ours"]
        assert ours["duplicates"] == 0
        assert ours["lost"] == 0
        assert ours["wrongly_failed"] == 0
        assert ours["slots_left"] == 0


def test_every_offered_task_is_adopted(running: Running) -> None:
    """The executor adopts tasks known by their ARN and tasks known by their launch ID alone."""
    for case in running.outcome("adoption").cases.values():
        assert case["ours"]["not_adopted"] == 0
        assert case["ours"]["slots"] == QUICK.adopted[0]
        assert case["ours"]["adoption_selects"] <= 2  # one for running rows, one for queued rows


def test_every_end_is_committed_and_frees_its_slot(running: Running) -> None:
    """When a container is killed, its task instance fails or is up for retry, and its slot is free."""
    for case in running.outcome("ends").cases.values():
        found = case["ours"]
        assert found["freed"] == found["ended"] == found["tasks"]
        assert found["failed"] == found["up_for_retry"] == found["tasks"] / 2


def test_threads_and_sockets_survive_resets(running: Running) -> None:
    """While a third of the connections to AWS are reset, every task runs once and succeeds."""
    sums = running.resets
    assert sums.faulty == 0
    assert sums.succeeded == 20
    assert sums.injected > 0


def test_the_simulated_cloud_answers_every_request(running: Running) -> None:
    """It answers each request of each measured operation; the page has the requests per second."""
    cases = running.outcome("simulator").cases
    assert set(cases) == {"RunTask", "DescribeTasks", "ListTasks"}
    assert all(case["ours"]["requests"] == QUICK.simulator for case in cases.values())
