"""Airflow's metadata database: the tables and DAGs of a template, and which database this process uses."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL_OPTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


@contextmanager
def database_in_use(url: str) -> Iterator[None]:
    """Let Airflow in this process use another database."""
    from airflow import settings  # noqa: PLC0415  reads the configuration

    before = os.environ.get(URL_OPTION)
    settings.dispose_orm(do_log=False)
    _configure(url)
    try:
        yield
    finally:
        settings.dispose_orm(do_log=False)
        _configure(before)


def _configure(url: str | None) -> None:
    from airflow import settings  # noqa: PLC0415  as above

    if url is None:
        del os.environ[URL_OPTION]
    else:
        os.environ[URL_OPTION] = url
    settings.configure_vars()
    settings.configure_orm()


def make_template(url: str, dags: Path, executors: str) -> None:
    """Create Airflow's tables in an empty database, and serialize the DAGs of a folder into it.

    Args:
        url: the database.
        dags: folder of DAG files.
        executors: ``[core] executor`` while the files are parsed: a DAG may name only configured ones.
    """
    from airflow.utils.db import initdb  # noqa: PLC0415  brings all models along

    settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags), "AIRFLOW__CORE__EXECUTOR": executors}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        with database_in_use(url):
            initdb()
            _airflow("dags", "reserialize")
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _airflow(*words: str) -> None:
    from airflow.cli import cli_parser  # noqa: PLC0415  slow to import

    arguments = cli_parser.get_parser().parse_args(words)
    arguments.func(arguments)
