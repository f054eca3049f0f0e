"""How a launch reaches a standby container, and nobody else: three write-once objects in S3. Pure.

How it works. ``S`` is the UUID of a standby, ``L`` a launch id. Three objects say everything:

* ``standby/S/offer``: ``open``, written before S starts, by its scheduler. Then ``launch: L`` with its
  payload, or ``dismissed: why``, written by one scheduler, if the offer still is ``open``.
* ``standby/S/answer``: ``took: L`` or ``left: why``, written by the container; or ``recalled: L``, written by
  a scheduler. Written once.
* ``launches/L``, the launch's fate: ``standby: S``, written by the scheduler that queued L, before its only
  offer; or ``cold``, written by a new scheduler, before it launches L. Written once.

Example. Scheduler A has L to launch, and S is idle. A writes the fate ``standby: S``, then replaces the
offer. The container reads the offer, writes ``took: L``, deletes the offer and runs the task. A reads the
answer.

* If A dies after the fate, the new scheduler finds it and writes ``recalled: L`` as the answer. If S3 accepts
  that, S will never run L, so L is launched cold. If S3 rejects it, the answer says whether S took L.
* If A dies before the fate, the new scheduler writes ``cold``. When A wakes up, its own write is rejected.
* If the container hangs, A recalls L after a few seconds. When the container wakes up, its ``took`` is
  rejected, and it leaves.

Four rules make this safe, and each of them is needed (``tests/unit/standby/test_protocol.py`` removes them
one by one): the fate comes before the offer; a new scheduler writes the fate before it launches; a launch
that was offered is recalled before it is launched cold; a container claims a launch before it runs it.

Each function is a generator. It yields one operation at a time and is sent the result: for a :class:`Read`
the content, or None if there is no object; for a write whether S3 accepted it; for a :class:`Delete` nothing.
The caller does the I/O, and repeats a write if its answer is lost. The repeat is then rejected because of the
first write, so after each rejection the object is read: its content tells whose write won.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1
"""Version of these objects' contents; part of a standby's fingerprint, so that both sides agree on it."""

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """Read an object."""

    key: str


@dataclass(frozen=True)
class WriteOnce:
    """Write an object if there is none (``If-None-Match: *``)."""

    key: str
    content: Content


@dataclass(frozen=True)
class Replace:
    """Write an object if it still has this ETag (``If-Match``)."""

    key: str
    content: Content
    etag: str


@dataclass(frozen=True)
class Delete:
    """Delete an object."""

    key: str


Operation = Read | WriteOnce | Replace | Delete
T = TypeVar("T")
Steps = Generator[Operation, Any, T]


def run(steps: Steps[T], do: Callable[[Operation], Any]) -> T:
    """Carry out one party's steps; return their result.

    Args:
        steps: a function of this module, called.
        do: does one operation; returns the content that was read, or whether a write was accepted.

    Raises:
        Exception: what ``do`` raises; its operation is done or not.
        InconsistentError: S3 says that an object exists, and that it does not.
    """
    answer: Any = None
    while True:
        try:
            operation = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = do(operation)


class InconsistentError(Exception):
    """S3 rejected a write because the object exists, and then did not find it. Try again later."""


class Answer(Enum):
    """What a standby's answer means for a launch that was offered to it."""

    NONE = auto()  # not yet
    TOOK = auto()  # it runs the launch
    NEVER = auto()  # it does not run the launch, and never will


def offer_key(standby: str) -> str:
    """Return the key of a standby's offer, below the deployment's prefix."""
    return f"standby/{standby}/offer"


def answer_key(standby: str) -> str:
    """Return the key of a standby's answer."""
    return f"standby/{standby}/answer"


def fate_key(launch: str) -> str:
    """Return the key of a launch's fate."""
    return f"launches/{launch}"


# --- schedulers ---------------------------------------------------------------------------------------------


def announce(standby: str, settings: Content) -> Steps[bool]:
    """Write the open offer; do this before RunTask. Return whether S3 accepted it.

    Args:
        standby: its UUID.
        settings: what the container needs to know: see :mod:`airflow_fargate.worker.standby`.
    """
    accepted: bool = yield WriteOnce(offer_key(standby), {"open": settings})
    return accepted


def decide(launch: str, standby: str, arn: str) -> Steps[bool]:
    """Write the fate of a launch, before its only offer; return whether it may be offered to the standby.

    If this raises, no offer was made: the launch may be launched cold.
    """
    fate = yield from _once(fate_key(launch), {"standby": standby, "arn": arn})
    return fate.get("standby") == standby


def make_offer(launch: str, standby: str, etag: str, document: Callable[[], str]) -> Steps[bool]:
    """Offer a launch whose fate is this standby; return whether the standby may have the offer.

    If this raises, the standby may have it: recall the launch.

    Args:
        launch: its id.
        standby: its UUID.
        etag: the ETag of its open offer.
        document: makes the payload document, with a new token.
    """
    if (yield Replace(offer_key(standby), {"launch": launch, "payload": document()}, etag)):
        return True
    if (offer := (yield Read(offer_key(standby)))) is not None:
        return bool(offer.get("launch") == launch)
    # The container deletes the offer that it took.
    return (yield from acknowledge(launch, standby)) is not Answer.NEVER


def dismiss(standby: str, etag: str, why: str) -> Steps[bool]:
    """Send an idle standby away; return False if somebody else has made it an offer."""
    accepted: bool = yield Replace(offer_key(standby), {"dismissed": why}, etag)
    return accepted


def acknowledge(launch: str, standby: str) -> Steps[Answer]:
    """Look for the answer to an offer."""
    answer = yield Read(answer_key(standby))
    if answer is None:
        return Answer.NONE
    return Answer.TOOK if answer.get("took") == launch else Answer.NEVER


def recall(launch: str, standby: str) -> Steps[bool]:
    """Take an offer back; return whether the standby runs the launch all the same."""
    answer = yield from _once(answer_key(standby), {"recalled": launch})
    return answer.get("took") == launch


def settle(launch: str, *, fence: bool) -> Steps[str]:
    """Find out where a launch runs that another scheduler queued and of which no ARN is recorded.

    Args:
        launch: its id.
        fence: whether it is about to be launched, so that its fate is to be ``cold`` from now on.

    Returns:
        The ARN of the standby that runs it. Empty: no standby runs it, or ever will.
    """
    if fence:
        fate = yield from _once(fate_key(launch), {"cold": True})
    else:
        fate = (yield Read(fate_key(launch))) or {}
    standby = fate.get("standby")
    if not standby:
        return ""
    offer = yield Read(offer_key(standby))
    if offer is not None and "open" not in offer and offer.get("launch") != launch:
        return ""  # It names another launch, or the standby was dismissed.
    # An open offer, too: the scheduler that wrote the fate may wake up and make it.
    runs = yield from recall(launch, standby)
    return str(fate["arn"]) if runs else ""


# --- containers ---------------------------------------------------------------------------------------------


def claim(standby: str, offer: Content) -> Steps[str]:
    """Claim an offered launch; return its payload document, or an empty string if it was recalled."""
    taken = {"took": offer["launch"]}
    answer = yield from _once(answer_key(standby), taken)
    if answer != taken:
        return ""
    # The token is in it.
    yield Delete(offer_key(standby))
    return str(offer["payload"])


def leave(standby: str, why: str) -> Steps[None]:
    """Say that the container exits without a task."""
    yield from _once(answer_key(standby), {"left": why})


def _once(key: str, content: Content) -> Steps[Content]:
    """Write an object if there is none; return the content that it has then."""
    if (yield WriteOnce(key, content)):
        return content
    found: Content | None = yield Read(key)
    if found is None:
        raise InconsistentError(f"S3 has no object {key}, and rejected writing it.")
    return found
