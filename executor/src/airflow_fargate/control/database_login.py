"""The login of the metadata database: read from Secrets Manager, and again while the password rotates.

How it works: RDS first changes the password in the database and only then the secret, up to a minute later.
In between, the secret holds a password that the database rejects. So a login is cached until the database
rejects it; then the secret is read again, once a second, until the database accepts what it says or 60
seconds have passed. Connections that are open stay open: a rotation concerns new ones only.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECRET_VARIABLE = "AIRFLOW_FARGATE_DATABASE_SECRET_ARN"  # noqa: S105  the name of a variable
ROTATION_SECONDS = 60.0
PAUSE_SECONDS = 1.0
# psycopg2 has no error class for it when connecting, and says what the server said.
_REJECTED = re.compile(r"authentication failed", re.IGNORECASE)

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
        now: seconds on a clock that only goes forward.
    """

    fetch: Callable[[], Login]
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
        """Open a connection, waiting out a rotation.

        Args:
            open_connection: opens one with this login.
            sleep: waits for some seconds.

        Raises:
            DatabaseLoginError: the secret cannot be read.
            Exception: the driver's error, unless the password is wrong and a minute has not passed yet.
        """
        rotation = _Rotation(self.now)
        while True:
            login = self.current()
            try:
                return open_connection(login)
            except Exception as error:
                if not rotation.may_be_under_way(error):
                    raise
            if not self.read_again(login):
                sleep(PAUSE_SECONDS)

    async def connect_async(
        self,
        open_connection: Callable[[Login], Awaitable[T]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> T:
        """Do the same on an event loop, which goes on meanwhile: the secret is read in a thread."""
        rotation = _Rotation(self.now)
        while True:
            login = await asyncio.to_thread(self.current)
            try:
                return await open_connection(login)
            except Exception as error:
                if not rotation.may_be_under_way(error):
                    raise
            if not await asyncio.to_thread(self.read_again, login):
                await sleep(PAUSE_SECONDS)


class _Rotation:
    """Tell for how long a rejected password may be that of a rotation that is not finished.

    Args:
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: float | None = None

    def may_be_under_way(self, error: Exception) -> bool:
        """Return whether to try again after this error."""
        if self._until is None:
            self._until = self._now() + ROTATION_SECONDS
        return _REJECTED.search(str(error)) is not None and self._now() < self._until


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
