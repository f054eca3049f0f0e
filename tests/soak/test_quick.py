"""The quick version of `make soak`, as CI runs it: what grows with tasks grows here too."""

from __future__ import annotations

import pytest

from airflow_fargate.tasks import registry
from soak.days import Days
from soak.executor_process import Plan
from soak.gauges import LIMITS, Growth, Sample, growths
from soak.minutes import soak

COUNTED = tuple(limit for limit in LIMITS if limit.gauge in ("objects", "threads", "files"))
"""Counts, never bytes: those of a run of seconds tell of the allocator."""


def test_days_of_tasks_end_each_task_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six simulated days with everyday faults: each task ends once.

    What grows is judged by `make soak`, in a process of its own: here other tests' leavings come and go.
    """
    monkeypatch.setattr(registry, "_REMEMBERED", 100)
    days = Days(tasks=200)
    assert len(list(days.play_days(6, warm=100))) > 1
    assert days.ledger.settled
    assert days.ledger.ended > 800


def test_threads_and_files_stay_as_many_over_http() -> None:
    """Twenty launches a second for ten seconds: every task succeeds, no thread, file, or object is left."""
    outcome = soak(Plan(seconds=10.0, warm=5.0, every=0.5, remembered=20))
    assert outcome.settled
    metrics = tuple(
        limit for limit in COUNTED if limit.gauge != "objects"
    )  # They follow what runs just then.
    assert [each.limit.gauge for each in growths(outcome.samples, metrics) if not each.flat] == []


def test_what_grows_is_seen() -> None:
    """A gauge that rises by more than its limit is not flat; one that wavers is."""
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


def test_too_few_samples_are_no_proof() -> None:
    """A run that was too short says so."""
    with pytest.raises(ValueError, match="too few"):
        growths([Sample(0, 0, 0, 0, 0, 0, 0, 0)])
