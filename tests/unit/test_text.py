"""Text from outside is made safe to store and to print."""

from __future__ import annotations

import pytest

from airflow_fargate.text import clean, shown


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
def test_characters_that_a_database_rejects_are_replaced(given: object, kept: str) -> None:
    """NUL, lone surrogates and other control characters become U+FFFD; terminal colours are removed."""
    assert clean(given) == kept


def test_long_text_is_cut() -> None:
    """The limit applies unless it is None."""
    assert clean("x" * 1_000_000, limit=10) == "x" * 10 + "..."
    assert len(clean("x" * 5_000, limit=None)) == 5_000


def test_every_single_character_survives_utf_8() -> None:
    """Cleaned text can be encoded, and has no NUL."""
    everything = clean("".join(map(chr, range(0x11000))), limit=None)
    assert "\x00" not in everything
    everything.encode()


class Unprintable:
    """A value whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\r[b", r"'a\r[b'"),
        ("\ud800", r"'\ud800'"),
        (7, "7"),
        ({"a": [1]}, "{'a': [1]}"),
        ("\x1b[2J", r"'\x1b[2J'"),
    ],
)
def test_a_value_in_a_message_is_quoted_and_escaped(value: object, text: str) -> None:
    """A terminal shows the value and interprets none of it."""
    assert shown(value) == text


@pytest.mark.parametrize(
    "value", ["x" * 10_000, list(range(10_000)), {str(n): n for n in range(10_000)}, Unprintable()]
)
def test_a_value_in_a_message_is_short(value: object) -> None:
    """Long values are shortened, and one that cannot be printed does not hide the message."""
    assert 0 < len(shown(value)) < 300
