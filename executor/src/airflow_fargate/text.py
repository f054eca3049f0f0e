"""Text from outside, made safe to store and to print: AWS's messages, log lines, values from a user's DAG.

The executor's text ends up in Airflow's database, written inside the scheduler's loop without a guard.
PostgreSQL rejects NUL, and every driver rejects a lone surrogate. One such character in a log line would stop
the scheduler, and then the next one, which adopts the same task.
"""

from __future__ import annotations

import re
import reprlib

REPLACEMENT = "\ufffd"
LONGEST_SENTENCE = 2_000
"""Characters kept of one AWS message; the longest published ones have about 600."""
LONGEST_REPORT = 16_000
"""Characters kept of what Airflow stores about one task: a diagnosis and twenty log lines of 500."""
_LONGEST_VALUE = 120

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# Control characters except tab and newline; lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _LONGEST_VALUE
_REPR.maxdict = _REPR.maxlist = _REPR.maxtuple = 8


def clean(value: object, limit: int | None = LONGEST_SENTENCE) -> str:
    """Return text that any database accepts.

    Args:
        value: the received value; anything but a string is converted with ``str``.
        limit: how many characters to keep; longer text ends in "...". None keeps all.

    Returns:
        The text without terminal colours. Other control characters (except tab and newline) and lone
        surrogates become U+FFFD.
    """
    text = value if isinstance(value, str) else str(value)
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}..."
    return _UNSAFE.sub(REPLACEMENT, _ANSI.sub("", text.replace("\r\n", "\n")))


def shown(value: object) -> str:
    """Return a value for an error message: its ``repr``, shortened, and safe to print.

    ``repr`` quotes text and escapes control characters, so that a carriage return cannot overwrite the line.
    """
    return clean(_REPR.repr(value))
