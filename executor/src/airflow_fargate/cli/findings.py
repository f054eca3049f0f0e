"""What a check of ``airflow fargate doctor`` finds: one line each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line: ``ok`` is None for what could not be checked, which is not a fault."""

    ok: bool | None
    about: str
    sentence: str


def ok(about: str, sentence: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(ok=True, about=about, sentence=sentence)


def failed(about: str, sentence: str) -> Finding:
    """Return a finding that says what to do."""
    return Finding(ok=False, about=about, sentence=sentence)


def unknown(about: str, sentence: str) -> Finding:
    """Return a finding on what was not, or could not be, checked."""
    return Finding(ok=None, about=about, sentence=sentence)


def error_code(error: Exception) -> str:
    """Return AWS's code for an error, or an empty string."""
    response = getattr(error, "response", None) or {}
    return str((response.get("Error") or {}).get("Code") or "")


def is_denied(error: Exception) -> bool:
    """Say whether AWS refused for want of a permission."""
    code = error_code(error)
    return "AccessDenied" in code or "Unauthorized" in code or code == "AuthorizationError"
