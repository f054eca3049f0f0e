"""The control image's entrypoint: `prepare`, `admin`, `alive`, or any of Airflow's own commands."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATABASE_VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
FERNET_VARIABLE = "AIRFLOW__CORE__FERNET_KEY"
PREVIOUS_FERNET_VARIABLE = "AIRFLOW_FARGATE_PREVIOUS_FERNET_KEY"
HOST_VARIABLE = "AIRFLOW_FARGATE_DATABASE_HOST"
NAME_VARIABLE = "AIRFLOW_FARGATE_DATABASE_NAME"
USAGE = 64
FAILED = 1


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a container's command.

    Args:
        arguments: the command; by default this process's own.

    Returns:
        The exit code. An Airflow command takes over the process, so that this does not return.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    first = words[0] if words else ""
    if first == "alive":
        return _alive(words[1:])
    os.environ.update(airflow_environment(os.environ))
    if first == "prepare":
        from airflow_fargate.control.prepare import prepare  # noqa: PLC0415  each command imports its own

        return prepare()
    if first == "admin":
        from airflow_fargate.control.admin import set_admin  # noqa: PLC0415

        return set_admin()
    if first == "airflow":
        words = words[1:]
    if not words:
        say("no command was given: prepare, admin, alive, or one of Airflow's, such as scheduler.")
        return USAGE
    return become_airflow(words)


def airflow_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that Airflow needs besides those of the task definition.

    The database's URL has neither user nor password: each connection fetches them. After a rotation of
    the Fernet key the previous one still decrypts what it encrypted.
    """
    made = {}
    host, name = environment.get(HOST_VARIABLE), environment.get(NAME_VARIABLE)
    if host and name and not environment.get(DATABASE_VARIABLE):
        made[DATABASE_VARIABLE] = f"postgresql+psycopg2://{host}:5432/{name}"
    key, previous = environment.get(FERNET_VARIABLE), environment.get(PREVIOUS_FERNET_VARIABLE)
    if key and previous and previous not in key.split(","):
        made[FERNET_VARIABLE] = f"{key},{previous}"
    return made


def become_airflow(words: Sequence[str]) -> NoReturn:
    """Replace this process by Airflow's CLI; its exit code is the container's."""
    os.execvp(sys.executable, [sys.executable, "-m", "airflow", *words])  # noqa: S606  the container's command


def say(line: str) -> None:
    """Write one line to the container's log."""
    print(f"airflow-fargate-control: {line}", flush=True)  # noqa: T201  the container's log


def _alive(words: Sequence[str]) -> int:
    from airflow_fargate.control.alive import check_api, check_heartbeat  # noqa: PLC0415

    if list(words) not in ([], ["api"]):
        say(f"alive takes the word api or nothing, got {' '.join(words)!r}.")
        return USAGE
    problem = check_api() if words else check_heartbeat()
    if problem:
        say(problem)
    return FAILED if problem else 0
