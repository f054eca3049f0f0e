"""Text from outside, made safe to keep."""

from __future__ import annotations

import pytest

from airflow_fargate.text import clean


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plain, with é and 猫", "plain, with é and 猫"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nline", "windows\nline"),
        ("a NUL\x00 here", "a NUL\ufffd here"),
        ("half an emoji \ud83d", "half an emoji \ufffd"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("bell\x07 and \x9b control", "bell\ufffd and \ufffd control"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_what_a_database_rejects_is_replaced(given: object, kept: str) -> None:
    """NUL, lone surrogates and other control characters are replaced; colours go; the rest stays."""
    assert clean(given) == kept


def test_long_text_is_cut() -> None:
    """A megabyte of log line is not a diagnosis."""
    assert clean("x" * 1_000_000, limit=10) == "x" * 10 + "..."
    assert len(clean("x" * 5_000, limit=None)) == 5_000


def test_every_single_character_survives_utf_8() -> None:
    """Whatever is cleaned can be encoded, and holds no NUL."""
    everything = clean("".join(map(chr, range(0x11000))), limit=None)
    assert "\x00" not in everything
    everything.encode()
