"""What a zone answers to a question, whoever carries it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ANSWERS = 8  # Route 53 answers with at most eight values of a multivalue record


@dataclass(frozen=True)
class Record:
    """One resource record: `value` is an address (A, AAAA) or `priority weight port target` (SRV)."""

    name: str
    kind: str
    ttl: int
    value: str


@dataclass(frozen=True)
class Answer:
    """What an authoritative zone says.

    zone: its name. records: those of the asked type; may be empty. exists: whether the name has any record.
    negative_ttl: seconds a client may remember that there is nothing.
    """

    zone: str
    records: tuple[Record, ...] = ()
    exists: bool = False
    negative_ttl: int = 15


class Zone(Protocol):
    """Knows some names. Safe to call from several threads."""

    def answer(self, name: str, kind: str) -> Answer | None:
        """The answer for a lower-case name without final dot; None if the name is not in this zone."""


def answer_from(zones: Iterable[Zone], name: str, kind: str) -> Answer | None:
    """The first zone's answer, or None if the name is in none of them and has to be asked elsewhere."""
    plain = name.lower().rstrip(".")
    return next((found for zone in zones if (found := zone.answer(plain, kind)) is not None), None)


def select(zone: str, name: str, kind: str, records: Iterable[Record], negative_ttl: int = 15) -> Answer:
    """The answer of a zone that holds these records."""
    here = [record for record in records if record.name == name]
    chosen = tuple(record for record in here if kind in (record.kind, "ANY"))
    return Answer(zone, chosen[:MAX_ANSWERS], bool(here), negative_ttl)
