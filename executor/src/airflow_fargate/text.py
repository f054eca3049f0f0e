"""Text from outside, made safe to keep: AWS's sentences, a container's log lines, exceptions of a hook.

Airflow writes what it is told into its database, inside the scheduler's loop and unguarded. PostgreSQL
rejects NUL, and every driver rejects a lone surrogate, so one such character in a log line would end the
scheduler, and then the next one, which adopts the same task.
"""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
LONGEST_SENTENCE = 2_000
"""Characters of one of AWS's sentences; the longest published are about 600."""
LONGEST_REPORT = 16_000
"""Characters of what Airflow is told of one task: a diagnosis with twenty log lines of 500, and some room."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# Control characters except tab and newline; lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(value: object, limit: int | None = LONGEST_SENTENCE) -> str:
    """Return text that any database takes.

    Args:
        value: what was received; anything but a string is written with ``str``.
        limit: characters to keep; longer text ends in "...". None: all.

    Returns:
        The text without terminal colours; other control characters (but tab and newline) and lone surrogates
        are replaced by U+FFFD.
    """
    text = value if isinstance(value, str) else str(value)
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}..."
    return _UNSAFE.sub(REPLACEMENT, _ANSI.sub("", text.replace("\r\n", "\n")))
