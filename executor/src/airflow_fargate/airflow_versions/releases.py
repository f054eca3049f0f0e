"""Which Airflow is installed, and whether this package supports it."""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version

from airflow_fargate.errors import FargateError

OLDEST, BEYOND = (2, 11), (3, 5)


class UnsupportedAirflowError(FargateError, ImportError):
    """The Airflow that is installed is outside the range that this package supports."""


def parse_release(text: str) -> tuple[int, ...]:
    """Return the numbers at the front of a version: ``3.4.0b1`` gives (3, 4, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(each) for each in found.group().split(".")) if found else ()


def check_release(text: str) -> tuple[int, ...]:
    """Return the release's numbers.

    Raises:
        UnsupportedAirflowError: it is outside the range.
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
"""A task is the CLI's command; later it is a workload with a token for the API server."""

QUEUES_WORKLOADS = RELEASE >= (3, 1)
"""``BaseExecutor.queue_workload`` takes workloads; that of 3.0 refuses them all."""

ASSIGNS_IDS = RELEASE >= (3, 2, 2)
"""The scheduler writes a UUID into ``external_executor_id`` in the commit that queues a task."""

HAS_TEAMS = RELEASE >= (3, 2)
"""A team has a configuration of its own."""

RUNS_OTHER_WORKLOADS = RELEASE >= (3, 3)
"""``BaseExecutor.run_workload``: a container can run callbacks and connection tests.

3.2 has callbacks, but runs them in the scheduler's own process: its ``execute_workload`` refuses them.
"""

TYPES_WORKLOADS = RELEASE >= (3, 4)
"""``WorkloadType`` in place of a flag and a queue for each kind."""


def assigns_ids_to_all() -> bool:
    """Say whether the scheduler writes an id of its own with every queued task, of whatever executor.

    Beside an executor that does not want ids (LocalExecutor), 3.2.2 to 3.4 assign them by the name that a
    task gives its executor: the alias or the module path, and not the class name, which Airflow accepts too.
    Such a task keeps the id of its last launch. The workload does not show it, so no id is trusted then.
    """
    if not ASSIGNS_IDS:
        return False
    from airflow.executors.executor_loader import ExecutorLoader  # noqa: PLC0415  needs Airflow

    names = ExecutorLoader.get_executor_names(validate_teams=False)
    classes = [ExecutorLoader.import_executor_cls(name)[0] for name in names]
    return all(getattr(each, "pre_assigns_external_executor_id", False) for each in classes)


def scheduler_health_check_threshold() -> float:
    """Return the seconds after which Airflow takes a silent scheduler for dead."""
    from airflow.configuration import conf  # noqa: PLC0415  needs Airflow

    return float(conf.getint("scheduler", "scheduler_health_check_threshold", fallback=30))
