"""Every difference between the Airflow releases that we support, and nothing else."""

from airflow_fargate.airflow_versions.rebuild import owner_of, rebuild_workloads
from airflow_fargate.airflow_versions.releases import (
    AIRFLOW_VERSION,
    RELEASE,
    TAKES_COMMANDS,
    UnsupportedAirflowError,
    check_release,
    parse_release,
)
from airflow_fargate.airflow_versions.work import PAYLOAD_FORMAT, Work, is_launch_id, statistics, work_of

__all__ = [
    "AIRFLOW_VERSION",
    "PAYLOAD_FORMAT",
    "RELEASE",
    "TAKES_COMMANDS",
    "UnsupportedAirflowError",
    "Work",
    "check_release",
    "is_launch_id",
    "owner_of",
    "parse_release",
    "rebuild_workloads",
    "statistics",
    "work_of",
]
