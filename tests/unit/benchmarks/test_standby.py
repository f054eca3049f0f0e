"""The parts of the standby benchmarks that need neither a scheduler nor a Celery worker."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from benchmarks.celery_worker import Api, parse_first_lines
from benchmarks.page import SECTIONS
from benchmarks.records import Record
from benchmarks.standby import burst_figures, percentiles

TASK = "01a22686-8de9-7aec-984f-a32e2c38ead9"


def test_an_incomplete_last_line_is_read_later() -> None:
    """A line counts once it is whole; of two lines of a task, the earlier one counts."""
    text = "run-0000 task-07 11.5\nrun-0001 task-00 12.5\nrun-0000 task-07 99.0\nrun-0000 task-08 1"
    assert parse_first_lines(text) == {"task-000007": 11.5, "task-000100": 12.5}
    assert parse_first_lines("run-0000 task-07 11") == {}


def test_a_task_without_a_first_line_is_missing() -> None:
    """The row counts the tasks that wrote a line; its note on the page counts the others."""
    found = percentiles([0.5, 0.1, 0.9], asked=4)
    assert (found["tasks"], found["missing"], found["p50_s"], found["max_s"]) == (3, 1, 0.5, 0.9)
    text = "\n".join(SECTIONS["standby"]({"an always-on Celery worker": {"celery": found}}))
    assert "| an always-on Celery worker | 3 | 0.50 s | 0.90 s | 0.90 s | 0.90 s |" in text
    assert "Without a first line: 1 of an always-on Celery worker." in text


@pytest.mark.parametrize(("row", "status"), [(("hundred", "run-0001"), 200), (None, 409)])
def test_only_a_queued_task_starts(row: Any, status: int) -> None:
    """The execution API of the Celery worker answers /run with the task's own DAG run, or rejects it."""
    connection = MagicMock()
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = row
    answer = Api(connection).answer("PATCH", f"/execution/task-instances/{TASK}/run", {}, "2026-01-01")
    assert answer[0] == status
    assert cursor.execute.call_args.args[1] == (TASK,)
    if row:
        assert answer[1]["dag_run"]["run_id"] == "run-0001"


def test_the_bound_is_that_of_the_tasks_that_found_no_standby() -> None:
    """Of 121 tasks one hits; the other 120 need (120 - 20) / 20 seconds, and refills count by their time."""
    names = [*(f"task-{number:06d}" for number in range(120)), "", "", ""]
    created = [*(100.0 + number / 20 for number in range(119)), 106.0, 99.0, 105.0, 107.0]
    tasks = [{"name": name, "created": at} for name, at in zip(names, created, strict=True)]
    marks = {"started": 99.5, "first_queued": 100.0, "ended": 110.0, "cpu_start": 0.0, "main_start": 0.0}
    record = Record([], [], {**marks, "cpu_end": 1.0}, {"tasks": tasks, "calls": [], "busy": 0.0})
    found = burst_figures(record, 121)
    assert (found["hits"], found["bound_s"], found["times_the_bound"]) == (1, 5.0, 1.2)
    assert (found["refills_during"], found["refills_after"]) == (1, 1)
