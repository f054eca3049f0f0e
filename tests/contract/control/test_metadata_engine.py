"""Engines that fetch the password: real PostgreSQL, both real drivers, and a secret that rotates."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy
from sqlalchemy import text

from airflow_fargate.control import database_login, metadata_engine

QUESTION = text("SELECT current_user")


@pytest.fixture
def login(database, monkeypatch):
    """The database, with this process's environment for it and pauses of no length."""
    for name, value in database.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(database_login, "PAUSE_SECONDS", 0.0)
    metadata_engine._login.cache_clear()
    yield database
    metadata_engine._login.cache_clear()


def ask(url):
    """Ask through Airflow's engine with new connections; return who we are."""
    engine = metadata_engine.create_metadata_engine(url, engine_args={}, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return connection.execute(QUESTION).scalar()
    finally:
        engine.dispose()


def ask_async(url):
    """Ask through Airflow's engine for asyncio; return who we are."""

    async def answer():
        url_async = url.replace("psycopg2", "asyncpg")
        engine = metadata_engine.create_async_metadata_engine(
            url_async, connect_args={"timeout": 5}, engine_args={"pool_size": 1}
        )
        try:
            async with engine.connect() as connection:
                return (await connection.execute(QUESTION)).scalar()
        finally:
            await engine.dispose()

    return asyncio.run(answer())


@pytest.mark.parametrize("asked", [ask, ask_async])
def test_a_rotation_in_aws_s_order_is_not_noticed(login, monkeypatch, asked):
    """The database changes first and the secret later: a connection in between waits, and succeeds."""
    url = login.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert asked(url) == login.user
    reads = []

    def read(arn):
        reads.append(arn)
        if len(reads) == 3:
            login.promote(asked.__name__)
        return read_secret(arn)

    read_secret = metadata_engine.read_secret
    monkeypatch.setattr(metadata_engine, "read_secret", read)

    login.change_password(asked.__name__)

    assert asked(url) == login.user
    assert len(reads) == 3
    assert asked(url) == login.user
    assert len(reads) == 3


@pytest.mark.parametrize(("asked", "error"), [(ask, sqlalchemy.exc.OperationalError), (ask_async, OSError)])
def test_a_secret_that_cannot_be_read_is_a_database_that_is_away(login, monkeypatch, asked, error):
    """Airflow's components outlive that; the message names the secret."""
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone"
    monkeypatch.setenv(database_login.SECRET_VARIABLE, arn)
    with pytest.raises(error, match=arn):
        asked(login.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])


def test_without_a_secret_the_engines_are_airflow_s_own(monkeypatch):
    """A database of one's own, with its password in the URL, works as ever."""
    monkeypatch.delenv(database_login.SECRET_VARIABLE, raising=False)
    engine = metadata_engine.create_metadata_engine("sqlite://", engine_args={}, connect_args={})
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    url = "postgresql+asyncpg://user:word@host/airflow"
    made = metadata_engine.create_async_metadata_engine(url, connect_args={})
    assert made.url.password == "word"
