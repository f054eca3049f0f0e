"""The parts of Airflow that the smoke's DAGs use, under Airflow 3's names."""

from __future__ import annotations

from datetime import timedelta

from airflow.exceptions import AirflowFailException

CLEARED = {"retries": 1}
"""A task that is cleared while it runs keeps its retry. Its retry_delay is Airflow's default of 300 s."""

try:
    from airflow.sdk import Variable, dag, get_current_context, task

    _ABSENT = {"default": None}
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models import Variable
    from airflow.operators.python import get_current_context

    _ABSENT = {"default_var": None}
    # Airflow 2 treats it as a failure: it waits for retry_delay and uses a retry.
    CLEARED = {"retries": 2, "retry_delay": timedelta(seconds=1)}

__all__ = ["CLEARED", "AirflowFailException", "dag", "find_variable", "get_current_context", "task"]


def find_variable(key: str) -> str | None:
    """Return an Airflow variable, or None if there is none of that name."""
    found: str | None = Variable.get(key, **_ABSENT)
    return found
