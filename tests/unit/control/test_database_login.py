"""The database's login: cached, read again when rejected, and patient for a minute of rotation."""

from __future__ import annotations

import asyncio
import json
import socket

import boto3
import moto
import pytest

from airflow_fargate.control.database_login import (
    OUTAGE_VARIABLE,
    ROTATION_SECONDS,
    DatabaseLogin,
    DatabaseLoginError,
    Login,
    outage_seconds,
    read_secret,
)

OLD, NEW = Login("airflow", "old"), Login("airflow", "new")


class WrongPasswordError(Exception):
    """What both drivers raise: the server's own sentence."""

    def __init__(self) -> None:
        super().__init__('FATAL:  password authentication failed for user "airflow"')


class Rotation:
    """A database and a secret while the password rotates, on a clock of its own.

    Args:
        promoted_after: seconds after which the secret holds the new password; the database has it at once.
    """

    def __init__(self, promoted_after: float) -> None:
        self.time = 0.0
        self.promoted_after = promoted_after
        self.reads = 0
        self.login = DatabaseLogin(self._fetch, now=lambda: self.time)

    def _fetch(self) -> Login:
        self.reads += 1
        return NEW if self.time >= self.promoted_after else OLD

    def open_connection(self, login):
        if login != NEW:
            raise WrongPasswordError
        return "connection"

    def sleep(self, seconds):
        self.time += seconds

    def connect(self):
        return self.login.connect(self.open_connection, self.sleep)

    def connect_async(self):
        async def open_connection(login):
            return self.open_connection(login)

        async def sleep(seconds):
            self.sleep(seconds)

        return asyncio.run(self.login.connect_async(open_connection, sleep))


@pytest.mark.parametrize("connect", [Rotation.connect, Rotation.connect_async])
def test_a_rotation_is_waited_out(connect):
    """The database has the new password 40 seconds before the secret does: the connection comes late."""
    rotation = Rotation(promoted_after=40)
    assert connect(rotation) == "connection"
    assert rotation.time == 40


@pytest.mark.parametrize("connect", [Rotation.connect, Rotation.connect_async])
def test_a_password_that_stays_wrong_is_the_driver_s_error(connect):
    """After a minute, nobody is rotating: the database's own sentence comes out."""
    rotation = Rotation(promoted_after=1e9)
    with pytest.raises(WrongPasswordError):
        connect(rotation)
    assert rotation.time == ROTATION_SECONDS


AWAY = [
    'connection to server at "db.example" (10.0.0.5), port 5432 failed: Connection refused',
    'connection to server at "db.example" (10.0.0.5), port 5432 failed: timeout expired',
    'could not translate host name "db.example" to address: Temporary failure in name resolution',
    "server closed the connection unexpectedly",
    "FATAL:  the database system is shutting down",
    "FATAL:  the database system is starting up",
    "FATAL:  the database system is not yet accepting connections",
    "Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.5', 5432), [Errno 111] Connect call",
]
"""As psycopg2 says it; asyncpg raises an OSError, or the server's sentence."""


def away(rotation, error, until=1e9):
    """Let the database raise ``error`` until that time."""
    answers = rotation.open_connection

    def open_connection(login):
        if rotation.time < until:
            raise error
        return answers(login)

    rotation.open_connection = open_connection


@pytest.mark.parametrize("connect", [Rotation.connect, Rotation.connect_async])
def test_the_api_server_does_not_wait_for_a_database_that_is_away(connect):
    """Its clients try again: the error comes at once and with one read of the secret."""
    rotation = Rotation(promoted_after=0)
    away(rotation, ConnectionRefusedError("connection refused"))
    with pytest.raises(ConnectionRefusedError):
        connect(rotation)
    assert (rotation.time, rotation.reads) == (0, 1)


@pytest.mark.parametrize("connect", [Rotation.connect, Rotation.connect_async])
@pytest.mark.parametrize(
    "error", [OSError(111, "no"), TimeoutError(), socket.gaierror(), *map(Exception, AWAY)], ids=str
)
def test_the_other_components_wait_for_a_database_that_is_away(connect, error):
    """A failover of two minutes, with the same password afterwards."""
    rotation = Rotation(promoted_after=0)
    rotation.login.outage_seconds = 240
    away(rotation, error, until=120)
    assert connect(rotation) == "connection"
    assert (rotation.time, rotation.reads) == (120, 1)


def test_after_the_time_for_an_outage_the_error_is_airflow_s():
    """ECS starts the component again, and says why it ended."""
    rotation = Rotation(promoted_after=0)
    rotation.login.outage_seconds = 240
    away(rotation, ConnectionRefusedError("refused"))
    with pytest.raises(ConnectionRefusedError):
        rotation.connect()
    assert rotation.time == 240


def test_a_rotation_that_an_outage_hides_is_waited_out_too():
    """The minute for a rejected password begins with the first rejection."""
    rotation = Rotation(promoted_after=150)
    rotation.login.outage_seconds = 240
    away(rotation, ConnectionRefusedError("refused"), until=120)
    assert rotation.connect() == "connection"
    assert rotation.time == 150


def test_an_error_that_waiting_does_not_mend_is_airflow_s_at_once():
    """A certificate that is not there, or a name that no database has."""
    rotation = Rotation(promoted_after=0)
    rotation.login.outage_seconds = 240
    away(rotation, FileNotFoundError("no file /opt/rds-ca.pem"))
    with pytest.raises(FileNotFoundError):
        rotation.connect()
    assert rotation.time == 0


@pytest.mark.parametrize("text", ["", "soon", "-1", "300", "nan", "inf"])
def test_a_time_that_cannot_be_meant_is_refused_by_name(text):
    """The variable, what it must be, and what it is."""
    with pytest.raises(ValueError, match=rf"{OUTAGE_VARIABLE} must be .* got '{text}'"):
        outage_seconds({OUTAGE_VARIABLE: text})


def test_nothing_said_is_no_wait():
    """And a number is that many seconds."""
    assert outage_seconds({}) == 0
    assert outage_seconds({OUTAGE_VARIABLE: "240"}) == 240


def test_the_secret_is_read_once_for_many_connections():
    """A login that works stays cached."""
    rotation = Rotation(promoted_after=0)
    for _ in range(5):
        rotation.connect()
    assert rotation.reads == 1


def test_a_finished_rotation_costs_one_read():
    """Where the secret has the new password by now, there is no pause."""
    rotation = Rotation(promoted_after=100)
    assert rotation.login.current() == OLD
    rotation.time = 200
    rotation.connect()
    assert (rotation.time, rotation.reads) == (200, 2)


def test_another_thread_s_read_is_used():
    """A thread that was rejected with an old login takes what another thread has read since."""
    rotation = Rotation(promoted_after=0)
    assert rotation.login.current() == NEW
    assert rotation.login.read_again(OLD)
    assert rotation.reads == 1


def test_a_password_is_not_printed():
    """Neither a log line nor a traceback shows it."""
    assert "old" not in f"{OLD} {OLD!r}"


@pytest.fixture
def secret(monkeypatch):
    """A function that makes a secret with this text, and returns its ARN."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with moto.mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        yield lambda text: client.create_secret(Name="database", SecretString=text)["ARN"]


def test_the_secret_s_own_region_is_asked(secret):
    """The ARN says where the secret is, whatever region the container is in."""
    arn = secret(json.dumps({"username": "airflow", "password": "old"}))
    assert read_secret(arn) == OLD


@pytest.mark.parametrize("text", ["word", "[]", '{"user": "airflow"}'])
def test_a_secret_of_another_form_is_named(secret, text):
    """The message has the ARN and the form that is needed, and not the content."""
    arn = secret(text)
    with pytest.raises(DatabaseLoginError, match="username and password") as raised:
        read_secret(arn)
    assert arn in str(raised.value)


def test_a_missing_secret_is_named(secret):
    """AWS's own reason is in the message."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:nothing"
    with pytest.raises(DatabaseLoginError, match=f"{arn}.*ResourceNotFoundException"):
        read_secret(arn)
