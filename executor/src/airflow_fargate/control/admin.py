"""`admin`: give the admin user the name and the password of its secret; create the user if it is missing.

The secret is read in this process, so that the password is neither in a command line nor in a log.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from airflow_fargate.control.database_login import DatabaseLoginError, read_secret
from airflow_fargate.control.entrypoint import FAILED, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_fargate.control.database_login import Login

ADMIN_VARIABLE = "AIRFLOW_FARGATE_ADMIN_SECRET_ARN"
ROLE = "Admin"


def set_admin(environment: Mapping[str, str] = os.environ, *, only_if_missing: bool = False) -> int:
    """Create the admin user, or set its password again; return an exit code.

    Args:
        environment: names the secret.
        only_if_missing: leave a user of that name as it is.
    """
    arn = environment.get(ADMIN_VARIABLE)
    if not arn:
        say(f"{ADMIN_VARIABLE} is not set: it names the secret with the admin's username and password.")
        return FAILED
    try:
        login = read_secret(arn)
    except DatabaseLoginError as error:
        say(str(error))
        return FAILED
    from airflow.providers.fab.auth_manager.cli_commands.utils import (  # noqa: PLC0415  slow, only this image has it
        get_application_builder,
    )

    with get_application_builder() as builder:
        return record(builder.sm, login, only_if_missing=only_if_missing)


def record(users: Any, login: Login, *, only_if_missing: bool) -> int:
    """Record the login with FAB's security manager; return an exit code."""
    user = users.find_user(username=login.user)
    if user and only_if_missing:
        say(f"the user {login.user} is there already.")
        return 0
    if user:
        done = users.reset_password(user.id, login.password)
    else:
        address = f"{login.user}@localhost"
        done = users.add_user(login.user, "Airflow", ROLE, address, users.find_role(ROLE), login.password)
    if not done:
        say(f"FAB did not record the user {login.user}: the lines above say why.")
        return FAILED
    say(f"the user {login.user} has the password of its secret.")
    return 0


if __name__ == "__main__":
    sys.exit(set_admin(only_if_missing="--only-if-missing" in sys.argv[1:]))
