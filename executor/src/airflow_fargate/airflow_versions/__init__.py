"""Every difference between the Airflow releases that we support, and nothing else."""

from airflow_fargate.airflow_versions.history import TaskTry, latest_try, owned_ids, owners_of, tries_since
from airflow_fargate.airflow_versions.rebuild import owner_of, rebuild_workloads
from airflow_fargate.airflow_versions.releases import (
    AIRFLOW_VERSION,
    HAS_TEAMS,
    RELEASE,
    TAKES_COMMANDS,
    UnsupportedAirflowError,
    check_release,
    parse_release,
)
from airflow_fargate.airflow_versions.work import PAYLOAD_FORMAT, Work, is_launch_id, statistics, work_of

__all__ = [
    "AIRFLOW_VERSION",
    "HAS_TEAMS",
    "PAYLOAD_FORMAT",
    "RELEASE",
    "TAKES_COMMANDS",
    "TaskTry",
    "UnsupportedAirflowError",
    "Work",
    "check_release",
    "is_launch_id",
    "latest_try",
    "owned_ids",
    "owner_of",
    "owners_of",
    "parse_release",
    "rebuild_workloads",
    "statistics",
    "tries_since",
    "work_of",
]
