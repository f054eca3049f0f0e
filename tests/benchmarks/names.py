"""Names of a benchmark's tasks: by number, in AWS, in Airflow and in the figures. Pure."""

from __future__ import annotations

import re
import uuid

DAG_ID = "hundred"
NAMESPACE = uuid.UUID("5b1f1d1e-6f64-5c0c-8a0e-6f6ad2f0a3c1")
TASKS_IN_A_RUN = 100
"""Tasks of one DAG run. Airflow's scheduler reads all task instances of a run in each loop."""
_RUN = re.compile(rb"run-(\d{4})")
_TASK = re.compile(rb"task-(\d{2})(?!\d)")


def run_id_of(number: int) -> str:
    """Return the DAG run of the n-th task."""
    return f"run-{number // TASKS_IN_A_RUN:04d}"


def task_id_of(number: int) -> str:
    """Return the task ID of the n-th task in its DAG run."""
    return f"task-{number % TASKS_IN_A_RUN:02d}"


def launch_id_of(number: int) -> str:
    """Return the UUID that the scheduler assigns to the n-th task before it is launched."""
    return str(uuid.uuid5(NAMESPACE, str(number)))


def retries_of(number: int) -> int:
    """Return the retries of the n-th task: 0 for even numbers, 1 for odd ones, an hour later."""
    return number % 2


def name_of(number: int) -> str:
    """Return the n-th task's name in the figures."""
    return f"task-{number:06d}"


def name_of_row(run_id: str, task_id: str) -> str:
    """Return a task instance's name in the figures."""
    return f"task-{run_id.removeprefix('run-')}{task_id.removeprefix('task-')}"


def name_in(text: bytes) -> str:
    """Return the name of the task that an ECS request launches, or an empty string."""
    run, task = _RUN.search(text), _TASK.search(text)
    return f"task-{run[1].decode()}{task[1].decode()}" if run and task else ""


def number_of(name: str) -> int:
    """Return the number of the task with this name."""
    return int(name.removeprefix("task-"))
