"""The installed Airflow release, and its features."""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version

from airflow_fargate.errors import FargateError

OLDEST, BEYOND = (2, 11), (3, 5)


class UnsupportedAirflowError(FargateError, ImportError):
    """This package does not support the installed Airflow."""


def parse_release(text: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version: ``3.4.0b1`` gives (3, 4, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(each) for each in found.group().split(".")) if found else ()


def check_release(text: str) -> tuple[int, ...]:
    """Return the release's numbers.

    Raises:
        UnsupportedAirflowError: the release is not supported.
    """
    release = parse_release(text)
    if not OLDEST <= release[:2] < BEYOND:
        raise UnsupportedAirflowError(
            f"airflow-fargate supports Airflow {OLDEST[0]}.{OLDEST[1]} to {BEYOND[0]}.{BEYOND[1] - 1}; "
            f"Airflow {text} is installed."
        )
    return release


AIRFLOW_VERSION = installed_version("apache-airflow")
RELEASE = check_release(AIRFLOW_VERSION)

TAKES_COMMANDS = RELEASE < (3,)
"""A task is a CLI command; in later releases, it is a workload with a token for the API server."""

QUEUES_WORKLOADS = RELEASE >= (3, 1)
"""``BaseExecutor.queue_workload`` accepts workloads; in 3.0 it rejects all of them."""

HAS_PAGES = RELEASE >= (3, 1)
"""A plugin can add pages to Airflow's (``external_views``)."""

ASSIGNS_IDS = RELEASE >= (3, 2, 2)
"""The scheduler writes a UUID into ``external_executor_id`` in the commit that queues a task."""

HAS_TEAMS = RELEASE >= (3, 2)
"""Teams have their own configuration."""

RUNS_OTHER_WORKLOADS = RELEASE >= (3, 3)
"""``BaseExecutor.run_workload`` exists: a container can run callbacks and connection tests.

3.2 has callbacks, but runs them in the scheduler's process: its ``execute_workload`` rejects them.
"""

TYPES_WORKLOADS = RELEASE >= (3, 4)
"""``WorkloadType`` replaces the flag and queue of each kind of workload."""


def assigns_ids_to_all() -> bool:
    """Say whether the scheduler stores an id with every queued task, for every executor.

    If another executor does not use ids (LocalExecutor), 3.2.2 to 3.4 assign them by the executor name of the
    task: by alias or module path, but not by class name, which Airflow accepts as well. A task with a class
    name keeps the id of its last launch. The workload does not show this, so no id is trusted then.
    """
    if not ASSIGNS_IDS:
        return False
    from airflow.executors.executor_loader import ExecutorLoader  # noqa: PLC0415  needs Airflow

    names = ExecutorLoader.get_executor_names(validate_teams=False)
    classes = [ExecutorLoader.import_executor_cls(name)[0] for name in names]
    return all(getattr(each, "pre_assigns_external_executor_id", False) for each in classes)


def scheduler_health_check_threshold() -> float:
    """Return the seconds without a heartbeat after which Airflow considers a scheduler dead."""
    from airflow.configuration import conf  # noqa: PLC0415  needs Airflow

    return float(conf.getint("scheduler", "scheduler_health_check_threshold", fallback=30))
