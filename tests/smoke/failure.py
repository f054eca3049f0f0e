"""The exception for people: a sentence that says what happened and what to do."""

from __future__ import annotations


class SmokeError(Exception):
    """The smoke cannot go on.

    Args:
        sentence: what happened and what to do.
        tail: the last lines of the program that failed, printed below the sentence; can be empty.
    """

    def __init__(self, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.tail = tail


class StoppedError(SmokeError):
    """SIGINT, SIGTERM or SIGHUP arrived; everything is taken down as after any failure."""


class UnansweredError(SmokeError):
    """A service did not answer, or answered a GET with a server error; the request can be repeated."""
