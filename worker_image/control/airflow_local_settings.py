"""Airflow's local settings in the control image: engines that fetch the database's password.

A file of your own at the usual place, `/opt/airflow/config/airflow_local_settings.py`, takes effect as well.
"""

# ruff: noqa: INP001  Airflow imports it by this name, from site-packages

from __future__ import annotations

import os
import runpy
from pathlib import Path

from airflow_fargate.control.metadata_engine import create_async_metadata_engine, create_metadata_engine

_OWN = Path(os.environ.get("AIRFLOW_HOME", "/opt/airflow")) / "config" / Path(__file__).name

__all__ = ["create_async_metadata_engine", "create_metadata_engine"]  # what Airflow takes from here

if _OWN.is_file():
    _found = runpy.run_path(str(_OWN))
    _chosen = _found.get("__all__") or [name for name in _found if not name.startswith("__")]
    for _name in set(_chosen) - set(__all__):
        globals()[_name] = _found[_name]
        __all__ += [_name]  # noqa: PLE0604  a name, of a dictionary of names
