"""The one exception a person sees: a sentence that says what happened and what to do."""

from __future__ import annotations


class SmokeError(Exception):
    """The smoke cannot go on.

    Args:
        sentence: what happened and what to do about it.
        tail: last lines of whatever failed, shown under the sentence; may be empty.
    """

    def __init__(self, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.tail = tail


class StoppedError(SmokeError):
    """SIGINT, SIGTERM or SIGHUP arrived; what is up is taken down as after any failure."""
