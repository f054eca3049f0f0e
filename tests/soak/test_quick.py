"""The quick version of `make soak`: anything that grows with the number of tasks grows here too."""

from __future__ import annotations

import pytest

from airflow_fargate.tasks import index
from soak.days import Days
from soak.executor_process import Plan
from soak.gauges import LIMITS, Growth, Sample, growths
from soak.minutes import soak


def test_days_of_tasks_end_each_task_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six simulated days with everyday faults: each task ends once.

    `make soak` judges growth in a separate process; here, other tests leave objects behind.
    """
    monkeypatch.setattr(index, "_REMEMBERED", 100)
    days = Days(tasks=200)
    assert len(list(days.play_days(6, warm=100))) > 1
    assert days.ledger.settled
    assert days.ledger.ended > 800


def test_threads_and_files_are_bounded_over_http() -> None:
    """Twenty launches a second for ten seconds: every task succeeds, and no thread or file is left open.

    How many connections are open at once depends on the machine's speed, but each thread has at most one per
    service (ECS, S3, SQS). A file left open by each of the two hundred tasks exceeds that.
    """
    outcome = soak(Plan(seconds=10.0, warm=5.0, every=0.5, remembered=20, samples=8))
    assert outcome.settled
    threads = tuple(limit for limit in LIMITS if limit.gauge == "threads")
    assert [each for each in growths(outcome.samples, threads) if not each.flat] == []
    first = outcome.samples[0]
    assert all(sample.files <= first.files + 3 * sample.threads for sample in outcome.samples)


def test_growth_is_detected() -> None:
    """A gauge that rises by more than its limit is not flat; one that varies within it is."""
    rising = [Sample(at, at, 0, 0, 0, objects=100 * at, threads=9, files=20 + at % 2) for at in range(8)]
    found = {each.limit.gauge: each.flat for each in growths(rising)}
    assert found == {
        "rss": True,
        "blocks": True,
        "traced": True,
        "objects": False,
        "threads": True,
        "files": True,
    }
    assert "GREW" in Growth(LIMITS[4], 1, 2).line()


def test_too_few_samples_are_an_error() -> None:
    """A run that was too short raises an error."""
    with pytest.raises(ValueError, match="too few"):
        growths([Sample(0, 0, 0, 0, 0, 0, 0, 0)])
