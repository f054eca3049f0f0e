"""The idle standbys that this scheduler knows. Shared by threads; does no I/O."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READY_SECONDS = 15.0
"""How long a standby must have been RUNNING: until then it may still import."""
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Standby:
    """One that waits for a task.

    Args:
        id: its UUID.
        arn: its ECS task.
        queue: whose pool it belongs to.
        fingerprint: what it can run.
        definition: the ARN of its task definition, with the revision.
        etag: of its open offer.
        running_since: monotonic seconds.
    """

    id: str
    arn: str
    queue: str
    fingerprint: str
    definition: str
    etag: str
    running_since: float


class Pool:
    """Idle standbys, by what they can run.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._idle: OrderedDict[str, Standby] = OrderedDict()
        # Those that are no longer idle, so that a listing does not bring them back.
        self._used: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._idle)

    def is_used(self, standby: str) -> bool:
        """Return whether it was offered or dismissed before."""
        return standby in self._used

    def idle(self, queue: str | None = None) -> list[Standby]:
        """Return the idle ones, the oldest first; of one queue, if one is named."""
        with self._lock:
            return [each for each in self._idle.values() if queue in (None, each.queue)]

    def show(self, found: list[Standby]) -> None:
        """Take in what a listing found; those that it did not find are gone."""
        with self._lock:
            kept = sorted(
                (each for each in found if each.id not in self._used), key=lambda each: each.running_since
            )
            self._idle = OrderedDict((each.id, each) for each in kept)

    def reserve(self, fingerprint: str, is_current: Callable[[Standby], bool]) -> tuple[Standby | None, str]:
        """Take the oldest standby that can run this; or None, and why there is none."""
        now, why = self._clock(), "no standby"
        with self._lock:
            for each in self._idle.values():
                if each.fingerprint != fingerprint:
                    why = "other request" if why == "no standby" else why
                elif not is_current(each):
                    why = "old task definition"
                elif now - each.running_since < READY_SECONDS:
                    why = "starting"
                else:
                    self._take(each.id)
                    return each, ""
        return None, why

    def take(self, standby: str) -> None:
        """Note that one is not idle any more."""
        with self._lock:
            self._take(standby)

    def give_back(self, standby: Standby) -> None:
        """Return one that was reserved and got no offer."""
        with self._lock:
            self._used.pop(standby.id, None)
            self._idle[standby.id] = standby
            self._idle.move_to_end(standby.id, last=False)

    def _take(self, standby: str) -> None:
        self._idle.pop(standby, None)
        self._used[standby] = None
        while len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
