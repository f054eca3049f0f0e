"""How a benchmark's tasks are named: by number, in AWS, in Airflow and in the figures. Pure."""

from __future__ import annotations

import re

DAG_ID = "hundred"
TASKS_IN_A_RUN = 100
"""A DAG run's size: Airflow's scheduler reads a run's task instances together, again and again."""
_RUN = re.compile(rb"run-(\d{4})")
_TASK = re.compile(rb"task-(\d{2})(?!\d)")


def run_id_of(number: int) -> str:
    """Return the DAG run of the n-th task."""
    return f"run-{number // TASKS_IN_A_RUN:04d}"


def task_id_of(number: int) -> str:
    """Return the n-th task's id in its DAG run."""
    return f"task-{number % TASKS_IN_A_RUN:02d}"


def retries_of(number: int) -> int:
    """Return how often Airflow retries the n-th task: every other one, once, an hour later."""
    return number % 2


def name_of_row(run_id: str, task_id: str) -> str:
    """Return the name that stands for a task instance in the figures."""
    return f"task-{run_id.removeprefix('run-')}{task_id.removeprefix('task-')}"


def name_in(text: bytes) -> str:
    """Return the name of the task that a request to ECS is about, empty if there is none."""
    run, task = _RUN.search(text), _TASK.search(text)
    return f"task-{run[1].decode()}{task[1].decode()}" if run and task else ""


def number_of(name: str) -> int:
    """Return which task it is."""
    return int(name.removeprefix("task-"))
