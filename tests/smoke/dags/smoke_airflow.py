"""What the smoke's DAGs need of Airflow, by the names that Airflow 3 has for it."""

from __future__ import annotations

try:
    from airflow.sdk import Variable, dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models import Variable
    from airflow.operators.python import get_current_context
from airflow.exceptions import AirflowFailException

__all__ = ["AirflowFailException", "Variable", "dag", "get_current_context", "task"]
