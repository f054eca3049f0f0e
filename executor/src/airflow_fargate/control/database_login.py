"""The login of the metadata database: read from Secrets Manager, and again while the password rotates.

How it works: RDS first changes the password in the database and only then the secret, up to a minute later.
In between, the secret holds a password that the database rejects. So a login is cached until the database
rejects it; then the secret is read again, once a second, until the database accepts what it says or 60
seconds have passed. Connections that are open stay open: a rotation concerns new ones only.

Airflow's scheduler, DAG processor and triggerer exit when a query fails. While the database is away, a new
connection therefore waits for `AIRFLOW_FARGATE_DATABASE_OUTAGE_SECONDS`: a failover takes one to two minutes.
The API server does not wait, so that its clients get an answer and try again.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

SECRET_VARIABLE = "AIRFLOW_FARGATE_DATABASE_SECRET_ARN"  # noqa: S105  the name of a variable
OUTAGE_VARIABLE = "AIRFLOW_FARGATE_DATABASE_OUTAGE_SECONDS"
ROTATION_SECONDS = 60.0
LONGEST_OUTAGE_SECONDS = 300.0
"""After as long without a heartbeat, the health check replaces the container anyway."""
PAUSE_SECONDS = 1.0
# psycopg2 has no error class for it when connecting, and says what the server said.
_REJECTED = re.compile(r"authentication failed", re.IGNORECASE)
_AWAY = re.compile(
    r"refused|connect call failed|timed? ?out|timeout|translate host name|name resolution|reset by peer"
    r"|unreachable|no route to host|closed the connection|starting up|shutting down"
    r"|not yet accepting connections|in recovery mode",
    re.IGNORECASE,
)

T = TypeVar("T")


class DatabaseLoginError(Exception):
    """The secret cannot be read, or it holds no login; the text says why and what to do."""


@dataclass(frozen=True)
class Login:
    """A user and its password; only the user is printed."""

    user: str
    password: str = field(repr=False)


@dataclass
class DatabaseLogin:
    """The login as far as this process knows it.

    Args:
        fetch: reads the secret.
        outage_seconds: how long a new connection waits for a database that is away.
        now: seconds on a clock that only goes forward.
    """

    fetch: Callable[[], Login]
    outage_seconds: float = 0.0
    now: Callable[[], float] = time.monotonic
    _cached: Login | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> Login:
        """Return the cached login; read the secret if there is none.

        Raises:
            DatabaseLoginError: the secret cannot be read.
        """
        with self._lock:
            if self._cached is None:
                self._cached = self.fetch()
            return self._cached

    def read_again(self, rejected: Login) -> bool:
        """Read the secret after the database rejected a login; return whether there is another one now."""
        with self._lock:
            if self._cached in (None, rejected):
                self._cached = self.fetch()
            return self._cached != rejected

    def connect(
        self, open_connection: Callable[[Login], T], sleep: Callable[[float], None] = time.sleep
    ) -> T:
        """Open a connection, waiting out a rotation, and an outage as long as ``outage_seconds``.

        Args:
            open_connection: opens one with this login.
            sleep: waits for some seconds.

        Raises:
            DatabaseLoginError: the secret cannot be read.
            Exception: the driver's error, if it is another one or the time is over.
        """
        patience = _Patience(self)
        while True:
            login = self.current()
            try:
                return open_connection(login)
            except Exception as error:
                if not patience.lasts(error):
                    raise
                rejected = _is_rejected(error)
            if not (rejected and self.read_again(login)):
                sleep(PAUSE_SECONDS)

    async def connect_async(
        self,
        open_connection: Callable[[Login], Awaitable[T]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> T:
        """Do the same on an event loop, which goes on meanwhile: the secret is read in a thread."""
        patience = _Patience(self)
        while True:
            login = await asyncio.to_thread(self.current)
            try:
                return await open_connection(login)
            except Exception as error:
                if not patience.lasts(error):
                    raise
                rejected = _is_rejected(error)
            if not (rejected and await asyncio.to_thread(self.read_again, login)):
                await sleep(PAUSE_SECONDS)


class _Patience:
    """For how long one connection is tried again.

    Args:
        login: has the clock and the time for an outage.
    """

    def __init__(self, login: DatabaseLogin) -> None:
        self._now, self._outage_seconds = login.now, login.outage_seconds
        self._begun = login.now()
        self._rejected_at: float | None = None

    def lasts(self, error: Exception) -> bool:
        """Return whether to try again after this error."""
        if _is_rejected(error):
            if self._rejected_at is None:
                self._rejected_at = self._now()
            return self._now() < self._rejected_at + ROTATION_SECONDS
        return _is_away(error) and self._now() < self._begun + self._outage_seconds


def _is_rejected(error: Exception) -> bool:
    return _REJECTED.search(str(error)) is not None


def _is_away(error: Exception) -> bool:
    known = (ConnectionError, TimeoutError, asyncio.TimeoutError, socket.gaierror)
    return isinstance(error, known) or _AWAY.search(str(error)) is not None


def outage_seconds(environment: Mapping[str, str]) -> float:
    """Return how long a new connection waits for a database that is away; 0 if nothing is said.

    Raises:
        ValueError: the variable is not a number of seconds.
    """
    text = environment.get(OUTAGE_VARIABLE, "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < LONGEST_OUTAGE_SECONDS:
        raise ValueError(
            f"{OUTAGE_VARIABLE} must be a number of seconds, at least 0 and below "
            f"{LONGEST_OUTAGE_SECONDS:.0f}, got {text!r}."
        )
    return seconds


def read_secret(arn: str) -> Login:
    """Read the login from Secrets Manager.

    The client is made for this one call: Airflow's processes fork, and connections must not be shared.

    Raises:
        DatabaseLoginError: AWS rejected the call, or the secret is not JSON with `username` and `password`.
    """
    import boto3  # noqa: PLC0415  slow to import, and health checks do without it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        # The region is the secret's, whatever the environment says.
        text = boto3.client("secretsmanager", region_name=arn.split(":")[3]).get_secret_value(SecretId=arn)
        found = json.loads(text["SecretString"])
        return Login(found["username"], found["password"])
    except (BotoCoreError, ClientError) as error:
        raise DatabaseLoginError(f"The secret {arn} cannot be read: {error}") from error
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise DatabaseLoginError(
            f"The secret {arn} is not JSON with username and password: write it in that form."
        ) from error
