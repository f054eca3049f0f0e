"""Metrics: any thread collects them, and the scheduler's thread sends them once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_fargate import metrics
from airflow_fargate.aws.ecs_task import EcsTask
from airflow_fargate.metrics import Metrics


class Sink:
    """Airflow's statistics client, which records its calls."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def incr(self, stat: str, count: int, *, tags: dict[str, str] | None = None) -> None:
        self.sent.append((stat, count, tags))

    def timing(self, stat: str, dt: float, *, tags: dict[str, str] | None = None) -> None:
        self.sent.append((stat, dt, tags))

    def gauge(self, stat: str, value: float, *, tags: dict[str, str] | None = None) -> None:
        self.sent.append((stat, value, tags))


def test_counts_of_one_name_and_tags_are_one_call() -> None:
    """A thousand launches take one call."""
    counted, sink = Metrics(), Sink()
    for _ in range(1000):
        counted.count(metrics.LAUNCHES, capacity="FARGATE")
    counted.count(metrics.LAUNCHES, capacity="FARGATE_SPOT")
    counted.send(sink, tasks=7)
    assert sink.sent == [
        ("fargate.launches", 1000, {"capacity": "FARGATE"}),
        ("fargate.launches", 1, {"capacity": "FARGATE_SPOT"}),
        ("fargate.tasks", 7, {}),
        ("fargate.failing_parts", 0, {}),
    ]


def test_each_measurement_is_sent_once() -> None:
    """The next call sends only newer ones."""
    counted, sink = Metrics(), Sink()
    counted.count(metrics.THROTTLES)
    counted.send(sink, tasks=0)
    sink.sent.clear()
    counted.send(sink, tasks=0, failing_parts=2)
    assert sink.sent == [("fargate.tasks", 0, {}), ("fargate.failing_parts", 2, {})]


def test_times_are_sent_in_milliseconds() -> None:
    """Airflow's timings are milliseconds."""
    counted, sink = Metrics(), Sink()
    counted.time(metrics.LAUNCH_SECONDS, 1.5)
    counted.send(sink, tasks=0)
    assert sink.sent[0] == ("fargate.launch_seconds", 1500.0, {})


def test_a_timeline_has_four_phases() -> None:
    """Network, image, start and work; a phase without both times is left out."""
    counted, sink = Metrics(), Sink()
    times = (("createdAt", 0.0), ("pullStartedAt", 10.0), ("pullStoppedAt", 40.0), ("startedAt", 42.0))
    counted.timeline(EcsTask("arn", "STOPPED", timeline=times))
    counted.send(sink, tasks=0)
    assert [(stat, dt) for stat, dt, _ in sink.sent[:-2]] == [
        ("fargate.provision_seconds", pytest.approx(10_000)),
        ("fargate.pull_seconds", pytest.approx(30_000)),
        ("fargate.start_seconds", pytest.approx(2_000)),
    ]


def test_a_tasks_cost_is_counted_in_millionths_of_a_dollar() -> None:
    """By capacity; a task of unknown size counts nothing."""
    counted, sink = Metrics(), Sink()
    times = (("pullStartedAt", 0.1), ("stoppedAt", 3600.1))
    for capacity in ("FARGATE", "FARGATE_SPOT", ""):
        counted.timeline(
            EcsTask("arn", "STOPPED", timeline=times, cpu=1024, memory=2048, capacity_provider=capacity)
        )
    counted.timeline(EcsTask("arn", "STOPPED", timeline=times))
    counted.send(sink, tasks=0)
    assert [each for each in sink.sent if each[0] == "fargate.cost_microdollars"] == [
        ("fargate.cost_microdollars", 49370, {"capacity": "FARGATE"}),
        ("fargate.cost_microdollars", 14811, {"capacity": "FARGATE_SPOT"}),
        ("fargate.cost_microdollars", 49370, {"capacity": "launch type"}),
    ]


def test_no_count_is_lost_between_threads() -> None:
    """Eight threads count while the scheduler's thread sends, and the sum is exact."""
    counted, sink = Metrics(), Sink()

    def work() -> None:
        for _ in range(2000):
            counted.count(metrics.EVENTS)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counted.send(sink, tasks=0)
    counted.send(sink, tasks=0)
    assert sum(value for stat, value, _ in sink.sent if stat == "fargate.events") == 16_000


def test_a_teams_measurements_have_its_name() -> None:
    """A scheduler has an executor per team, whose gauges would overwrite each other."""
    counted, sink = Metrics(), Sink()
    counted.count(metrics.LAUNCHES, capacity="FARGATE")
    counted.time(metrics.LAUNCH_SECONDS, 1.0)
    counted.send(sink, tasks=7, team="data")
    assert [tags for _, _, tags in sink.sent] == [
        {"capacity": "FARGATE", "team_name": "data"},
        *[{"team_name": "data"}] * 3,
    ]


def test_a_gauge_is_sent_until_it_changes() -> None:
    """How many standbys wait, by queue: with every heartbeat."""
    counted = Metrics()
    counted.gauge(metrics.STANDBYS_IDLE, 2, queue="default")
    for _ in range(2):
        sink = Sink()
        counted.send(sink, 0)
        assert ("fargate.standbys_idle", 2, {"queue": "default"}) in sink.sent
