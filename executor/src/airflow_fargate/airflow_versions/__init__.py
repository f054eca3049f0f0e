"""The differences between the supported Airflow releases."""

from airflow_fargate.airflow_versions.history import (
    TaskTry,
    container_id,
    latest_try,
    owned_ids,
    tries_since,
    unfinished_tries,
)
from airflow_fargate.airflow_versions.rebuild import (
    OperationalError,
    Rebuilder,
    adopted_elsewhere,
    load_for_adoption,
)
from airflow_fargate.airflow_versions.releases import (
    AIRFLOW_VERSION,
    ASSIGNS_IDS,
    HAS_PAGES,
    HAS_TEAMS,
    RELEASE,
    TAKES_COMMANDS,
    UnsupportedAirflowError,
    assigns_ids_to_all,
    check_release,
    parse_release,
    scheduler_health_check_threshold,
)
from airflow_fargate.airflow_versions.teams import teams_of, teams_with
from airflow_fargate.airflow_versions.work import (
    PAYLOAD_FORMAT,
    Work,
    is_launch_id,
    statistics,
    subject_of,
    work_of,
)

__all__ = [
    "AIRFLOW_VERSION",
    "ASSIGNS_IDS",
    "HAS_PAGES",
    "HAS_TEAMS",
    "PAYLOAD_FORMAT",
    "RELEASE",
    "TAKES_COMMANDS",
    "OperationalError",
    "Rebuilder",
    "TaskTry",
    "UnsupportedAirflowError",
    "Work",
    "adopted_elsewhere",
    "assigns_ids_to_all",
    "check_release",
    "container_id",
    "is_launch_id",
    "latest_try",
    "load_for_adoption",
    "owned_ids",
    "parse_release",
    "scheduler_health_check_threshold",
    "statistics",
    "subject_of",
    "teams_of",
    "teams_with",
    "tries_since",
    "unfinished_tries",
    "work_of",
]
