"""What the smoke's DAGs need of Airflow, by the names that Airflow 3 has for it."""

from __future__ import annotations

from airflow.exceptions import AirflowFailException

try:
    from airflow.sdk import Variable, dag, get_current_context, task

    _ABSENT = {"default": None}
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models import Variable
    from airflow.operators.python import get_current_context

    _ABSENT = {"default_var": None}

__all__ = ["AirflowFailException", "dag", "find_variable", "get_current_context", "task"]


def find_variable(key: str) -> str | None:
    """Return one of Airflow's variables, None where there is none of that name."""
    found: str | None = Variable.get(key, **_ABSENT)
    return found
