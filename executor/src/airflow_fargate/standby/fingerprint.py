"""Which standby can run which launch: their RunTask requests differ in nothing but the command. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from airflow_fargate.standby.protocol import FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_ONE_LAUNCH = ("clientToken", "startedBy", "tags", "count")


def fingerprint(request: Mapping[str, Any], container_name: str, *versions: object) -> str:
    """Return 32 characters that are equal for a launch and for the standbys that can run it.

    Size, role, environment, subnets and capacity are in the request, so they decide by themselves.

    Args:
        request: the keyword arguments of RunTask.
        container_name: the container whose command is left out.
        versions: of Airflow, this package and the payload: both sides must agree on them.
    """
    kept = {name: value for name, value in request.items() if name not in _OF_ONE_LAUNCH}
    overrides = dict(kept.get("overrides") or {})
    containers = [dict(each) for each in overrides.get("containerOverrides") or ()]
    for each in containers:
        if each.get("name") == container_name:
            each.pop("command", None)
    kept["overrides"] = {**overrides, "containerOverrides": containers}
    whole = [kept, [FORMAT, *versions]]
    text = json.dumps(whole, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
