"""The master user's password in its managed secret, and its rotation in AWS's order."""

from __future__ import annotations

import json
import secrets
import string
import time
import uuid
from typing import Any

# Printable ASCII without what RDS rejects: / @ " and space.
ALPHABET = "".join(set(string.ascii_letters + string.digits + string.punctuation) - set("/@\"'\\`"))
LENGTH = 28


def new_password() -> str:
    """A random password with signs that a URL or a shell would trip over, as RDS makes them."""
    while True:
        found = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if any(sign in string.punctuation for sign in found) and any(sign.isdigit() for sign in found):
            return found


def secret_string(username: str, password: str) -> str:
    """The value of a managed secret."""
    return json.dumps({"username": username, "password": password})


def current_password(secret: Any) -> str:
    """The password in the version that is AWSCURRENT."""
    return str(json.loads(_with_stage(secret, "AWSCURRENT")["secret_string"])["password"])


def propose(secret: Any, username: str) -> tuple[str, str]:
    """Step 1: a new version that is AWSPENDING; returns its id and its password."""
    version, password = str(uuid.uuid4()), new_password()
    secret.remove_version_stages_from_old_versions(["AWSPENDING"])
    secret.versions[version] = {
        "createdate": int(time.time()),
        "version_id": version,
        "version_stages": ["AWSPENDING"],
        "secret_string": secret_string(username, password),
    }
    return version, password


def finish(secret: Any, version: str) -> None:
    """Last step: the new version becomes AWSCURRENT, the one before it AWSPREVIOUS."""
    chosen = secret.versions[version]
    chosen["version_stages"] = ["AWSCURRENT", "AWSPENDING"]
    secret.reset_default_version(chosen, version)
    secret.last_rotation_date = int(time.time())


def in_progress(secret: Any) -> bool:
    """Whether a rotation has begun and not finished."""
    return any(
        "AWSPENDING" in version["version_stages"] and "AWSCURRENT" not in version["version_stages"]
        for version in secret.versions.values()
    )


def _with_stage(secret: Any, stage: str) -> Any:
    return next(version for version in secret.versions.values() if stage in version["version_stages"])
