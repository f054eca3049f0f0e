"""Mutants that no test can notice, or that none should, each with its reason."""

from __future__ import annotations

SURVIVORS: dict[str, str] = {}
"""``module: the line's text | the change`` -> why."""
