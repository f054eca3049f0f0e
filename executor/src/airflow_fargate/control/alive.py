"""`alive`: the health check of a component, as ECS runs it in the container every 30 seconds."""

from __future__ import annotations

import os
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_VARIABLE = "AIRFLOW_FARGATE_HEARTBEAT_FILE"
LONGEST_SILENCE = 300.0
"""Seconds: longer than a database failover, in which nothing that lives may be restarted."""
API_PORT = 8080
API_PATH = "/execution/health"
"""Not /api/v2/version: the execution API is built at its first request, and workers do not wait that long."""
API_SECONDS = 8.0
"""Below the health check's timeout of ten seconds."""
OK = 200


def check_heartbeat(environment: Mapping[str, str] = os.environ, now: float | None = None) -> str | None:
    """Return what is wrong with the component's heartbeat, or None.

    Args:
        environment: names the heartbeat file.
        now: seconds since the epoch.
    """
    path = environment.get(FILE_VARIABLE)
    if not path:
        return f"{FILE_VARIABLE} is not set: it names the file that the component touches."
    try:
        age = (time.time() if now is None else now) - Path(path).stat().st_mtime
    except OSError as error:
        return f"There has been no heartbeat yet: {path}: {error.strerror}."
    if age >= LONGEST_SILENCE:
        return f"The last heartbeat was {age:.0f} seconds ago; {LONGEST_SILENCE:.0f} is the limit."
    return None


def check_api(host: str = "localhost", port: int = API_PORT) -> str | None:
    """Return what is wrong with the API server, or None."""
    connection = HTTPConnection(host, port, timeout=API_SECONDS)
    try:
        connection.request("GET", API_PATH)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"The API server does not answer at {host}:{port}{API_PATH}: {error}."
    finally:
        connection.close()
    return None if status == OK else f"The API server answers {API_PATH} with status {status}, not {OK}."
