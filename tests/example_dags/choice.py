"""Which example DAGs run here, and why others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OUTSIDE = "calls a service outside this machine"
INSTALLS = "installs packages from an index while it runs"
NOT_YET = "can run, but was not selected when this page was made (`make example-dags ONLY=...`)"
OTHERS_EVENTS = "reads the events of another example's asset, so its result depends on their order"
SAME_URI = "has an asset with the URI of another example's, under another name; Airflow activates one of them"
PARTITIONS = "needs a partition key, which a manual run does not have"

LEFT_OUT = {
    "asset_with_extra_by_context": SAME_URI,
    "asset_with_extra_by_yield": SAME_URI,
    "asset_with_extra_from_classic_operator": SAME_URI,
    "example_analytics": OUTSIDE,
    "example_bash_decorator": "has a task that creates folders in `AIRFLOW_HOME`, but the worker's root is "
    "read-only",
    "child_dag": "runs as part of `example_external_task`, for the same logical date",
    "example_branch_operator": INSTALLS,
    "example_branch_python_operator_decorator": INSTALLS,
    "example_dag_decorator": OUTSIDE,
    "example_hitl_operator": "waits for a person",
    "example_python_decorator": INSTALLS,
    "example_python_operator": INSTALLS,
    "example_retry_policy": OUTSIDE,
    "example_sensors": "has a task that waits for a file of another task, but containers share no file "
    "system",
    "read_asset_event": OTHERS_EVENTS,
    "read_asset_event_from_classic": OTHERS_EVENTS,
    "tutorial_objectstorage": OUTSIDE,
    "tutorial_taskflow_api_virtualenv": INSTALLS,
}
"""DAG -> why it is left out."""
PARTITIONED_FILE = "example_asset_partition.py"

CONF = {"example_params_ui_tutorial": {"required_field": "what a person types"}}
"""DAG -> the parameters of its run, if some have no default."""

COMPANIONS = {"example_external_task": "child_dag"}
"""DAG -> the DAG that it runs and waits for, which must not be paused."""

QUICK = ("example_simplest_dag", "example_xcom_args", "example_short_circuit_operator")
"""What `make example-dags QUICK=1` runs: XComs between containers and skipped tasks, in short DAGs."""


def chosen(dags: Iterable[dict[str, str]], only: Iterable[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Return the DAGs to run, and those left out with their reasons.

    Args:
        dags: what Airflow's API lists.
        only: the DAGs to run; all if empty.
    """
    runs, out = [], {}
    wanted = set(only)
    for dag in sorted(dags, key=lambda each: each["dag_id"]):
        name = dag["dag_id"]
        partitioned = str(dag.get("fileloc") or "").endswith(PARTITIONED_FILE)
        if reason := LEFT_OUT.get(name, PARTITIONS if partitioned else ""):
            out[name] = reason
        elif not wanted or name in wanted:
            runs.append(name)
        else:
            out[name] = NOT_YET
    return runs, out
