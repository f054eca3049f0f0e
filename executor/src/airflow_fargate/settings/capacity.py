"""Names of capacity providers: ``[fargate] capacity_chain``, and ``capacity`` in ``executor_config``.

Fargate has two, FARGATE and FARGATE_SPOT. Any other name is a capacity provider of your own: container
instances, which get no public address and no platform version. A misspelled Fargate name would therefore
change the request silently, so near misses are rejected. AWS reserves the prefixes aws, ecs and fargate for
itself (ECS API reference, CreateCapacityProvider), so no custom provider is lost.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from airflow_fargate.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_RESERVED = ("AWS", "ECS", "FARGATE")
_MEANT = {"SPOT": "FARGATE_SPOT", "ON_DEMAND": "FARGATE", "ONDEMAND": "FARGATE"}
_SIMILAR = 0.85


def is_fargate(name: str) -> bool:
    """Say whether a capacity provider or launch type is one of Fargate's."""
    return name in FARGATE_PROVIDERS


def fault(names: Iterable[str]) -> str:
    """Return what is wrong with the first wrong name, as the end of a sentence; empty if all are valid."""
    return next(filter(None, map(_fault, names)), "")


def _fault(name: str) -> str:
    if is_fargate(name):
        return ""
    if not _NAME.fullmatch(name):
        return f"{shown(name)} is not a capacity provider: use its short name, such as FARGATE_SPOT."
    spelled = name.upper().replace("-", "_")
    if meant := _meant(spelled):
        return f"{shown(name)} is not a capacity provider. Did you mean {meant}?"
    if spelled == "EC2":
        return (
            f"{shown(name)} is a launch type. Use the name of a capacity provider, or set [fargate] "
            "launch_type = EC2."
        )
    if spelled.startswith(_RESERVED):
        return (
            f"{shown(name)} is not a capacity provider: AWS reserves names that begin with aws, ecs or "
            "fargate. Use FARGATE, FARGATE_SPOT, or a capacity provider of the cluster."
        )
    return ""


def _meant(spelled: str) -> str:
    """Return the Fargate provider that was probably meant, empty if none."""
    if spelled in _MEANT:
        return _MEANT[spelled]
    if spelled[:1] != "F":
        return ""
    by_likeness = sorted((SequenceMatcher(None, spelled, each).ratio(), each) for each in FARGATE_PROVIDERS)
    likeness, name = by_likeness[-1]
    return name if likeness >= _SIMILAR else ""
