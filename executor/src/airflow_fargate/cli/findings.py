"""The result of one check of ``airflow fargate doctor``, and the explanation of an AWS error."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache

from airflow_fargate.aws.failures import cause_of_error
from airflow_fargate.text import clean

_REGION_IN_URL = re.compile(r"https?://[^/]*?\b([a-z]{2,3}(?:-[a-z]+)+-\d+)\.")
_NOT_CONNECTED = "not_connected"


@dataclass(frozen=True)
class Finding:
    """One line of output.

    Args:
        ok: True if the check passed, False if it failed, None if it is inconclusive.
        about: what was checked, in a word or two.
        message: what was found and, unless it passed, what to do.
    """

    ok: bool | None
    about: str
    message: str


def passed(about: str, message: str) -> Finding:
    """Return the finding of a check that passed."""
    return Finding(ok=True, about=about, message=message)


def failed(about: str, message: str) -> Finding:
    """Return the finding of a check that failed; the message says what to do."""
    return Finding(ok=False, about=about, message=message)


def inconclusive(about: str, message: str) -> Finding:
    """Return the finding of a check that could not be made, or that found something worth a look."""
    return Finding(ok=None, about=about, message=message)


def error_code(error: Exception) -> str:
    """Return AWS's code of an error, or an empty string."""
    response = getattr(error, "response", None) or {}
    return str((response.get("Error") or {}).get("Code") or "")


def is_denied(error: Exception) -> bool:
    """Say whether AWS rejected a call because a permission is missing."""
    code = error_code(error)
    return "AccessDenied" in code or "Unauthorized" in code or code == "AuthorizationError"


def explain(error: Exception) -> str:
    """Return what an error means and what to do, by the executor's own table, then AWS's or boto3's text."""
    cause = cause_of_error(error)
    said = clean(error, 500)
    if cause is None:
        return f"{type(error).__name__}: {said}"
    summary, hint = cause.summary, cause.hint
    if cause.id == _NOT_CONNECTED and (region := _unknown_region(said)):
        near = difflib.get_close_matches(region, _known_regions(), n=1)
        summary = f"AWS has no region {region!r} that this boto3 knows."
        hint = f"Correct [fargate] region{f'; did you mean {near[0]}?' if near else '.'}"
    return f"{summary} {hint} ({said.rstrip('.')})"


def _unknown_region(said: str) -> str:
    """Return the region in the address that could not be reached, if boto3 does not know it."""
    found = _REGION_IN_URL.search(said)
    return found[1] if found and found[1] not in _known_regions() else ""


@cache
def _known_regions() -> tuple[str, ...]:
    import boto3  # noqa: PLC0415  half a second, and needed after an error only

    session = boto3.session.Session()
    return tuple(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ecs", partition)
    )
