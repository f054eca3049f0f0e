"""The benchmark's small version, as CI runs it: counts, never times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.metadata import Metadata
from benchmarks.scenarios import QUICK, SCENARIOS, Outcome
from benchmarks.stage import Stage
from smoke.failure import SmokeError

NAMES = ("killed", "ends", "adoption", "simulator")
AT_ONCE = 4
"""Each has a cloud, a database and a scheduler."""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Return every scenario's outcome; they wait most of the time, so some are played together."""
    metadata = Metadata()

    def play(name: str) -> Outcome:
        with Stage(metadata) as stage:
            return SCENARIOS[name](stage, QUICK)

    try:
        with metadata, ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(NAMES, pool.map(play, NAMES), strict=True))
    except SmokeError as error:
        pytest.skip(f"Airflow's scheduler needs PostgreSQL here. {error}")


@pytest.mark.parametrize("name", NAMES[:-3])
def test_no_task_is_doubled_lost_or_failed(outcomes: dict[str, Outcome], name: str) -> None:
    """Whatever goes wrong: one container each, one end each, and it is the right one."""
    for case in outcomes[name].cases.values():
        ours = case["ours"]
        assert ours["duplicates"] == 0
        assert ours["lost"] == 0
        assert ours["wrongly_failed"] == 0
        assert ours["slots_left"] == 0


def test_every_task_offered_is_adopted(outcomes: dict[str, Outcome]) -> None:
    """By its ARN, or by its launch id alone."""
    for case in outcomes["adoption"].cases.values():
        assert case["ours"]["not_adopted"] == 0
        assert case["ours"]["slots"] == QUICK.adopted[0]
        assert case["ours"]["adoption_selects"] <= 2  # of running rows, of queued ones


def test_every_end_is_committed_and_frees_its_slot(outcomes: dict[str, Outcome]) -> None:
    """A container is killed: its task instance has failed or is up for retry, and its slot is free."""
    for case in outcomes["ends"].cases.values():
        found = case["ours"]
        assert found["freed"] == found["ended"] == found["tasks"]
        assert found["failed"] == found["up_for_retry"] == found["tasks"] / 2


def test_the_simulated_cloud_answers_every_request(outcomes: dict[str, Outcome]) -> None:
    """As many as were asked, of each kind that is counted; how many a second stands in the page alone."""
    cases = outcomes["simulator"].cases
    assert set(cases) == {"RunTask", "DescribeTasks", "ListTasks"}
    assert all(case["ours"]["requests"] == QUICK.simulator for case in cases.values())
