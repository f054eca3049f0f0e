"""Airflow's extension point for the metadata database: engines that log in with the secret's password.

The control image's `airflow_local_settings.py` imports the two functions from here. The URL that Airflow is
given holds no password; each new connection gets it from :mod:`airflow_fargate.control.database_login`.
Without `AIRFLOW_FARGATE_DATABASE_SECRET_ARN` the engines are Airflow's own.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_fargate.control.database_login import (
    SECRET_VARIABLE,
    DatabaseLogin,
    DatabaseLoginError,
    outage_seconds,
    read_secret,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from airflow_fargate.control.database_login import Login

DEFAULT_PORT = 5432
CONNECT_SECONDS = 10
"""An address that was the failed instance's may not answer at all."""


def create_metadata_engine(
    sql_alchemy_conn: str, *, engine_args: Mapping[str, Any], connect_args: Mapping[str, Any]
) -> Engine:
    """Create Airflow's engine; its connections use the secret's login if one is configured."""
    from sqlalchemy import create_engine, event  # noqa: PLC0415  comes with Airflow

    engine = create_engine(sql_alchemy_conn, connect_args=dict(connect_args), **engine_args)
    if arn := os.environ.get(SECRET_VARIABLE):
        login = _login(arn)

        def connect(dialect: Any, _record: Any, arguments: Any, options: dict[str, Any]) -> Any:
            driver = dialect.loaded_dbapi

            def open_connection(given: Login) -> Any:
                patient = {"connect_timeout": CONNECT_SECONDS, **options}
                return driver.connect(*arguments, **patient | _credentials(given))

            try:
                return login.connect(open_connection)
            except DatabaseLoginError as error:
                # As a database that is away, which Airflow's components outlive.
                raise driver.OperationalError(str(error)) from error

        event.listen(engine, "do_connect", connect)
    return engine


def create_async_metadata_engine(
    sql_alchemy_conn_async: str,
    *,
    connect_args: Mapping[str, Any],
    engine_args: Mapping[str, Any] | None = None,
) -> AsyncEngine:
    """Create Airflow's engine for asyncio; its connections use the secret's login if one is configured."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415  comes with Airflow
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    arn = os.environ.get(SECRET_VARIABLE)
    if not arn:
        return create_async_engine(
            sql_alchemy_conn_async, connect_args=dict(connect_args), **(engine_args or {})
        )
    login, url = _login(arn), make_url(sql_alchemy_conn_async)
    options = {
        "host": url.host,
        "port": url.port or DEFAULT_PORT,
        "database": url.database,
        "timeout": CONNECT_SECONDS,
        **connect_args,
    }

    async def connect() -> Any:
        import asyncpg  # noqa: PLC0415  only processes with an event loop need it

        async def open_connection(given: Login) -> Any:
            return await asyncpg.connect(**options | _credentials(given))

        try:
            return await login.connect_async(open_connection)
        except DatabaseLoginError as error:
            raise ConnectionError(str(error)) from error

    return create_async_engine(sql_alchemy_conn_async, async_creator=connect, **(engine_args or {}))


def _credentials(login: Login) -> dict[str, str]:
    return {"user": login.user, "password": login.password}


@cache
def _login(arn: str) -> DatabaseLogin:
    """Return the login that this process's engines share."""
    return DatabaseLogin(lambda: read_secret(arn), outage_seconds(os.environ))
