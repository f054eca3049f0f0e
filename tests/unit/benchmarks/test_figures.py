"""Figures, targets, the page and plots of the benchmarks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks import figures, targets
from benchmarks.page import page
from benchmarks.plots import Line, plot
from benchmarks.records import Record


def container(name: str, **changes: Any) -> dict[str, Any]:
    """Return a container that ran from 101 to 110."""
    return {"name": name, "arn": "arn", "created": 100.5, "started": 101.0, "exited": 110.0} | changes


def record(containers: list[dict[str, Any]], events: list[list[Any]]) -> Record:
    """Return a record that began at 100 and ended at 130, with two heartbeats."""
    marks = {
        "started": 100.0,
        "ended": 130.0,
        "cpu_start": 1.0,
        "main_start": 0.9,
        "cpu_end": 2.0,
        "running": 0,
    }
    calls = [[100.2, "RunTask", False], [100.3, "RunTask", True], [99.0, "ReceiveMessage", False]]
    cloud = {"tasks": containers, "calls": calls, "left": 0, "busy": 3.0, "injected": {}}
    beats = [
        [100.1, 0.002, 0, 1.1, 0.001, 0.95, 0, 0, 0.0],
        [120.0, 0.004, 0, 1.5, 0.003, 1.0, 0, 0, 0.0],
    ]
    return Record(beats, events, marks, cloud)


def test_a_percentile_is_one_of_the_values() -> None:
    """Percentile 100 is the highest value; without values it is zero."""
    assert [figures.percentile(range(1, 101), percent) for percent in (50, 99, 100)] == [51, 100, 100]
    assert figures.percentile([], 50) == 0.0


def test_outcomes_count_what_went_wrong() -> None:
    """A second container counts as a duplicate only if it ran; a task without an end is lost."""
    found = figures.outcomes(
        record(
            [container("a"), container("a"), container("b", started=None), container("b")],
            [[111.0, "a", "queued", "arn"], [112.0, "a", "success", ""], [113.0, "b", "failed", ""]],
        ),
        tasks=3,
    )
    assert (found["duplicates"], found["lost"], found["wrongly_failed"], found["succeeded"]) == (1, 1, 1, 1)


def test_launching_is_measured_up_to_the_last_launch() -> None:
    """Half a second, one of two calls throttled, one heartbeat, and the executor's CPU until then."""
    found = figures.launching(record([container("a")], []), tasks=1)
    assert found["seconds_to_last"] == pytest.approx(0.5)
    assert found["throttled_share"] == pytest.approx(0.5)
    assert found["heartbeat_max_ms"] == pytest.approx(2.0)
    assert found["cpu_ms_per_launch"] == pytest.approx(404.0)


def scheduled(**changes: Any) -> Record:
    """Return a record of Airflow's own scheduler: queued at 100, a hundred handed over."""
    beats = [
        [100.1, 0.002, 100, 1.5, 0.002, 1.2, 100, 0, 0.0],
        [101.0, 0.001, 100, 2.0, 0.001, 1.4, 0, 3, 0.0],
    ]
    marks = {"started": 100.0, "ended": 102.0, "cpu_start": 1.0, "main_start": 0.9, "first_queued": 100.0}
    cloud = {"tasks": [container("a")], "calls": [], "left": 0, "busy": 0.0, "injected": {}}
    made = Record(beats, [], marks, cloud, loops=[[100.0, 0.2], [100.5, 0.1], [101.0, 0.0]])
    return replace(made, **changes)


def test_an_executors_cpu_is_without_the_schedulers() -> None:
    """Of 1 s, the main thread used 0.5 s, with 3 ms in heartbeats, so the executor used 0.503 s."""
    assert figures.executors_cpu(scheduled(), until=100.5) == pytest.approx(0.503)


def test_the_loops_time_is_without_its_sleeps() -> None:
    """Two turns took 0.3 s together; heartbeats took 1 % of that, and the longest handed over all tasks."""
    found = figures.share_of_the_loop(scheduled(), 100.0, 101.0)
    assert found["heartbeat_share"] == pytest.approx(0.01)
    assert found["heartbeat_longest_did"].startswith("100 handed over, 0 reported")


def test_the_floor_ends_with_the_last_workload_handed_over() -> None:
    """It counts from the first queued task to the end of the heartbeat that took the last one."""
    found = figures.queueing(scheduled())
    assert (found["handed_over"], found["seconds_to_last"]) == (100, pytest.approx(0.102))


def test_the_database_decides_whether_a_task_failed() -> None:
    """A task that is up for retry in the database was wrongly failed, even if the event said success."""
    told = [[112.0, "a", "success", ""]]
    marks = {**scheduled().marks, "running": 0}
    found = figures.outcomes(scheduled(events=told, marks=marks, states={"a": "up_for_retry"}), 1)
    assert (found["succeeded"], found["wrongly_failed"]) == (0, 1)


def test_the_time_from_exit_to_free_slot_is_measured() -> None:
    """The container exits at 110 and the slot is free at 111.5: 1.5 s."""
    marks = {**scheduled().marks, "ended": 120.0}
    found = figures.ends(scheduled(freed=[[111.5, "a"]], marks=marks, states={"a": "failed"}), 1)
    assert (found["failed"], found["exit_to_slot_p99_s"]) == (1, pytest.approx(1.5))


def test_latency_is_from_the_exit_to_the_event() -> None:
    """The event comes two seconds after the exit; the QUEUED event does not count."""
    found = figures.latency(
        record([container("a")], [[101.0, "a", "queued", ""], [112.0, "a", "success", ""]])
    )
    assert found["ended"] == 1
    assert found["exit_to_event_p50_s"] == pytest.approx(2.0)


def test_the_lag_of_an_event_is_measured_separately() -> None:
    """It counts from the queue to the owner of the task, without the scheduler's loop."""
    found = figures.event_lag(replace(record([], []), event_lags=[0.1, 0.2, 0.9]))
    assert (found["event_lag_p50_s"], found["event_lag_p99_s"]) == (0.2, 0.9)


def test_a_heartbeats_cpu_is_measured_besides_its_duration() -> None:
    """The longest heartbeat took 4 ms, of which 3 ms were CPU."""
    found = figures.heartbeats(record([], []).heartbeats)
    assert (found["heartbeat_max_ms"], found["heartbeat_cpu_max_ms"]) == (4.0, 3.0)


def test_calls_before_the_start_do_not_count() -> None:
    """The calls of idle loops before the start are left out."""
    assert figures.calls(record([], []), tasks=2) == {"calls": {"RunTask": 2}, "calls_per_task": 1.0}


@pytest.mark.parametrize(("slowest", "missed"), [(49.0, False), (51.0, True)])
def test_a_target_is_missed_by_its_worst_case(slowest: float, missed: bool) -> None:  # noqa: FBT001
    """The table shows the worst case, and marks it as missed if it is above the limit."""
    cases = {"a": {"ours": {"heartbeat_p99_ms": 20.0}}, "b": {"ours": {"heartbeat_p99_ms": slowest}}}
    (line,) = targets.table({"burst": {"cases": cases}})[2:]
    assert ("missed" in line) is missed
    assert f"{slowest:.1f}" in line


def test_the_page_has_ratios_and_no_empty_rows() -> None:
    """Rows that both executors have show a ratio; rows that neither has are left out."""
    case = {"ours": {"adoption_s": 0.1, "offered": 5}, "peer": {"adoption_s": 5.0, "offered": 5}}
    machine = dict.fromkeys(
        ("cores", "system", "python", "apache-airflow", "apache-airflow-providers-amazon"), "1"
    ) | {"airflow-fargate": "1", "boto3": "1"}
    text = page({"quick": False, "machine": machine, "scenarios": {"adoption": {"cases": {"all": case}}}})
    assert "| try_adopt_task_instances, seconds | 0.100 | 5.000 | 0.02 |" in text
    assert "slots counted" not in text


@pytest.mark.parametrize("log", [False, True])
def test_a_plot_names_its_axes_and_every_line(log: bool) -> None:  # noqa: FBT001
    """The SVG holds the title, both axis titles, and one legend entry for each line that has points."""
    lines = [
        Line("a < b", [[0, 0.01], [50, 120_000.0]], "#000"),
        Line("a single point", [[1, 2]], "#111"),
        Line("no points", [], "#222", "dashes"),
    ]

    root = ET.fromstring(plot("title & more", "x in s", "y in ms", lines, log=log))  # noqa: S314

    texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"title & more", "x in s", "y in ms", "a < b", "a single point"} <= texts
    assert "no points" not in texts


def test_the_same_figures_give_the_same_plot() -> None:
    """A plot without new figures causes no diff."""
    lines = [Line("a", [[0, 1], [2, 3]], "#000")]
    assert plot("t", "x", "y", lines) == plot("t", "x", "y", lines)
