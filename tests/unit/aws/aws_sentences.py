"""AWS's published messages: aws_sentences.tsv, one per line, each with its cause and source."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_suffix(".tsv")
ERROR, REASON, STOP = "RunTask error", "failures[]", "stop"
"""Where a sentence is met: an exception of RunTask, an answer's ``failures[]``, or a task that stopped."""


class Published(NamedTuple):
    """A line of the file; ``code`` is the error code of a RunTask error."""

    where: str
    cause: str
    code: str
    sentence: str
    source: str


def _read() -> tuple[Published, ...]:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    found = (Published(*row) for row in rows)
    return tuple(
        each._replace(sentence=each.sentence.replace("\\n", "\n").replace("\\t", "\t")) for each in found
    )


SENTENCES = _read()


def published(where: str, cause: str, words: str = "") -> str:
    """Return the first message of this place and cause with these words."""
    return next(
        each.sentence
        for each in SENTENCES
        if (each.where, each.cause) == (where, cause) and words in each.sentence
    )
