"""What the smoke's DAGs need of Airflow, by the names that Airflow 3 has for it."""

from __future__ import annotations

from datetime import timedelta

from airflow.exceptions import AirflowFailException

CLEARED = {"retries": 1}
"""Of a task that is cleared while it runs: Airflow's own retry_delay, of 300 s, and the one retry is kept."""

try:
    from airflow.sdk import Variable, dag, get_current_context, task

    _ABSENT = {"default": None}
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models import Variable
    from airflow.operators.python import get_current_context

    _ABSENT = {"default_var": None}
    # Airflow 2 itself takes it for a failure: it waits for retry_delay, and a retry is used up.
    CLEARED = {"retries": 2, "retry_delay": timedelta(seconds=1)}

__all__ = ["CLEARED", "AirflowFailException", "dag", "find_variable", "get_current_context", "task"]


def find_variable(key: str) -> str | None:
    """Return one of Airflow's variables, None where there is none of that name."""
    found: str | None = Variable.get(key, **_ABSENT)
    return found
