"""The type of a row in the table of causes, and how AWS's messages are matched with it. Pure.

How it works
    There is one table, `failures.CAUSES`: what RunTask answers (launch_causes.py), then what stops a task
    before it runs (start_causes.py). A row is a class of cause, not a phrase: what it means for the launch,
    what happened, and what to do. A row is found by an error code (also a stop code, or the name of a
    botocore exception) or by words in AWS's sentence. The first row that fits wins, so a specific row stands
    above a general one.

    AWS writes the same sentence with straight or curved quotes, puts ids into it and cuts it off.
    :func:`words_of` therefore reduces a sentence to its lower-case words, without addresses and ARNs. A row's
    words are regular expressions over that text, matched at word boundaries:
    `dial tcp 52.46.145.142:443: i/o timeout` becomes `dial tcp 52 46 145 142 443 i o timeout`.

    tests/unit/aws/aws_sentences.tsv holds sentences as published, each with its source and its row. A row's
    words without a sentence fail a test. docs/aws_messages.md shows the table.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum


class LaunchErrorKind(Enum):
    """What a failed launch means for the next attempt."""

    THROTTLED = "too many calls: slow down, then repeat the same request"
    UNKNOWN = "the outcome is unknown: repeat the same request, to the byte"
    CAPACITY = "nothing was started: try the next capacity"
    WAIT = "nothing was started, and the cause can pass: try again later"
    PERMANENT = "it fails every time until somebody fixes it"


@dataclass(frozen=True)
class Cause:
    """A row of the table.

    Args:
        id: the name of the class of cause. It is stable: code and dashboards may compare it.
        kind: what it means for the launch.
        summary: what happened, a sentence.
        hint: what to do, a sentence; empty if there is nothing to say.
        codes: error codes, botocore exceptions and stop codes, separated by spaces.
        words: regular expressions over :func:`words_of` the sentence.
    """

    id: str
    kind: LaunchErrorKind
    summary: str
    hint: str = ""
    codes: str = ""
    words: tuple[str, ...] = ()

    def has_code(self, code: str) -> bool:
        """Say whether this code names the cause."""
        return code in self.codes.split()

    def has_words(self, text: str) -> bool:
        """Say whether the words of a sentence name the cause."""
        # re compiles a pattern at its first use: a scheduler without failures pays for none.
        return any(re.search(rf"\b(?:{each})\b", text) for each in self.words)


def words_of(sentence: str) -> str:
    """Return the lower-case words of a sentence, without what differs from case to case.

    Quotes, dashes, line breaks, invisible and undecodable characters separate words or vanish. URLs, ARNs and
    image references go: an image called `eof` is not a broken connection.
    """
    visible = "".join(each for each in sentence if unicodedata.category(each) != "Cf").lower()
    return " ".join(re.findall(r"[a-z0-9]+", _REFERENCE.sub(" ", visible)))


# The look-behind keeps the time linear: megabytes without a space would hold a thread for hours.
_REFERENCE = re.compile(r"https?://\S+|\barn:\S+|(?<![\w.-])[\w.-]+\.[a-z]+(?::\d+)?/\S+")
