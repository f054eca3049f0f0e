"""docs/troubleshooting.md: every message that the package emits, with its cause and what to do.

The texts are read from the source (:mod:`docs.generators.emitted`). Cause and remedy are in
``messages.yaml``, by the function that emits the message. A message without an entry there fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airflow_fargate.exit_codes import ExitCode
from docs.generators.emitted import Message, emitted

FILE = Path(__file__).with_name("messages.yaml")


@dataclass(frozen=True)
class Entry:
    """Cause and remedy of the messages of one function.

    Args:
        at: the function, as in :class:`~docs.generators.emitted.Message`; or the
            beginning of it and ``*``, for a whole module or room.
        says: words by which its messages are told from others of the function; empty for all of them.
        cause: why it is emitted, a sentence.
        remedy: what to do, a sentence.
    """

    at: str
    says: str
    cause: str
    remedy: str

    def fits(self, message: Message) -> bool:
        """Say whether the entry is about this message."""
        whole = self.at.endswith("*") and message.at.startswith(self.at[:-1])
        return (whole or self.at == message.at) and self.says in message.text


@dataclass(frozen=True)
class Group:
    """A section of the page."""

    title: str
    intro: str
    entries: tuple[Entry, ...]


def groups() -> tuple[Group, ...]:
    """Return the sections, as messages.yaml has them."""
    return tuple(
        Group(
            each["title"],
            each["intro"].strip(),
            tuple(
                Entry(entry["at"], str(entry.get("says", "")), entry["cause"].strip(), entry["do"].strip())
                for entry in each["messages"]
            ),
        )
        for each in _read()["groups"]
    )


def not_messages() -> tuple[Entry, ...]:
    """Return what fits texts that nobody reads as a message; the cause says what they are."""
    others = _read()["not_messages"]
    return tuple(Entry(each["at"], each.get("says", ""), each["why"], "") for each in others)


def without_entry() -> list[Message]:
    """Return the messages that have no entry and are not declared to be something else."""
    entries = [entry for group in groups() for entry in group.entries]
    known = (*entries, *not_messages())
    return [each for each in emitted() if not any(entry.fits(each) for entry in known)]


def without_message() -> list[str]:
    """Return the entries and exceptions that fit no message any more."""
    everything = emitted()
    entries = [entry for group in groups() for entry in group.entries]
    known = (*entries, *not_messages())
    return [f"{each.at} {each.says}" for each in known if not any(map(each.fits, everything))]


def page() -> str:
    """Return the whole page."""
    others = not_messages()
    left = [each for each in emitted() if not any(other.fits(each) for other in others)]
    sections = []
    for group in groups():
        rows = []
        for entry in group.entries:
            mine = [each for each in left if entry.fits(each)]
            left = [each for each in left if each not in mine]
            texts = "<br>".join(_code(each.text) for each in mine)
            rows.append(f"| {texts} | {_cell(entry.cause)} | {_cell(entry.remedy)} |")
        table = "\n".join(["| message | cause | what to do |", "|---|---|---|", *rows])
        sections.append(f"\n## {group.title}\n\n{group.intro}\n\n{table}\n")
    return str(_read()["head"]) + "".join(sections) + _exit_codes()


def _exit_codes() -> str:
    remedies = _read()["exit_codes"]
    rows = [f"| {code.value} | {code.meaning} | {remedies[code.value]} |" for code in ExitCode]
    intro = (
        "What the worker container exits with. Python exits with 1 after any uncaught error, so 1 always "
        "means the worker and never the task. Any other code comes from a program in the image."
    )
    table = "\n".join(["| code | meaning | what to do |", "|---:|---|---|", *rows])
    return f"\n## Exit codes\n\n{intro}\n\n{table}\n"


def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _code(text: str) -> str:
    """Return a text as code, backticks included."""
    return f"`` {_cell(text)} ``" if "`" in text else f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
