"""What the process of any task imports before its first line: a standby does so before it has a task.

The task's process is forked from the worker, so what is imported here is there at once. Only modules: no
DAG is parsed, and no plugin, secrets backend or bundle is loaded, before the task is known.

A module that a release does not have is left out: its task imports what it has instead.
`tests/unit/worker/test_standby_run.py` compares a task's modules with this table.
"""

from __future__ import annotations

from importlib import import_module

MODULES: tuple[str, ...] = (
    # The supervisor, and what it forks.
    "airflow_fargate.control.heartbeat",  # our plugins, which every process of Airflow imports
    "airflow_fargate.page.plugin",
    "airflow_fargate.worker.supervise",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.sdk._shared.logging.factory",
    "airflow.sdk._shared.logging.remote",
    "setproctitle",
    # Reading a DAG's file.
    "airflow.dag_processing.bundles.local",
    "airflow.dag_processing.dagbag",
    "airflow.dag_processing.importers.python_importer",
    "airflow.listeners.listener",
    "airflow.listeners.spec.asset",
    "airflow.listeners.spec.dagrun",
    "airflow.listeners.spec.importerrors",
    "airflow.plugins_manager",
    # What `from airflow.sdk import DAG, task` binds late.
    "airflow.providers.standard.decorators.python",
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.definitions.connection",
    "airflow.sdk.definitions.decorators",
    "airflow.sdk.definitions.timetables.interval",
    "airflow.sdk.definitions.timetables.trigger",
    "airflow.timetables.base",
    "airflow.api_fastapi.execution_api.datamodels.asset",
    "airflow.serialization.dag_dependency",
    "airflow.serialization.definitions.assets",
    "airflow.utils.docs",
    "airflow.utils.hashlib_wrapper",
    "airflow.utils.net",
    "airflow.version",
    "croniter",
    "jinja2.ext",
)


def import_all() -> list[str]:
    """Import the table; return what this release does not have."""
    missing = []
    for name in MODULES:
        try:
            import_module(name)
        except ImportError:
            missing.append(name)
    return missing
