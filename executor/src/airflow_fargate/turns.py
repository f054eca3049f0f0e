"""Who may compute: one launcher at a time, and none while the scheduler's thread is in a heartbeat.

Python runs one thread at a time, in slices of five milliseconds, and hands the interpreter to any that waits.
Sixty launchers whose answers come together are a line of sixty, and a heartbeat of ten milliseconds stood in
it several times: it took 300 (docs/field_notes.md, 2026-11-26). So launchers stand in a line of their own,
and let the scheduler pass. Whoever waits for AWS is in no line.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_ERROR = 400  # of HTTP's status codes


class Turns:
    """One launcher's turn at a time, and the scheduler's before all.

    Args:
        longest_turn: seconds after which the next one goes ahead all the same: a turn may hang in a provider
            of credentials.
        longest_heartbeat: seconds for which a launcher lets a heartbeat pass: one that takes longer waits for
            something itself.
    """

    def __init__(self, longest_turn: float = 1.0, longest_heartbeat: float = 0.1) -> None:
        self._longest_turn, self._longest_heartbeat = longest_turn, longest_heartbeat
        self._turn = threading.Lock()
        self._has_it: int | None = None
        self._scheduler = threading.Lock()

    @contextmanager
    def scheduler_first(self) -> Iterator[None]:
        """Have launchers pause for as long as this lasts; never waits, and cannot fail."""
        # Taken only for a moment by those who look whether it is free: then this once they do not pause.
        taken = self._scheduler.acquire(blocking=False)
        try:
            yield
        finally:
            if taken:
                self._scheduler.release()

    @contextmanager
    def mine(self) -> Iterator[None]:
        """Wait for the calling thread's turn; it ends with this."""
        self._take()
        try:
            yield
        finally:
            self._pass_on()

    def watch(self, client: Any) -> None:
        """Have a boto3 client pass the turn on while it waits for an answer."""
        client.meta.events.register("before-send", self._sending)
        client.meta.events.register("response-received", self._answered)

    def _sending(self, **_: Any) -> None:
        if self._has_it == threading.get_ident():
            self._pass_on()
            _waiting.turns = self

    def _answered(self, response_dict: Any = None, **_: Any) -> None:
        if getattr(_waiting, "turns", None) is not self:
            return
        _waiting.turns = None
        # After an error, or no answer at all, boto3 may sleep before it asks again.
        if (response_dict or {}).get("status_code", 500) < _FIRST_ERROR:
            self._take()

    def _take(self) -> None:
        if self._turn.acquire(timeout=self._longest_turn):
            self._has_it = threading.get_ident()
        if self._scheduler.acquire(timeout=self._longest_heartbeat):
            self._scheduler.release()

    def _pass_on(self) -> None:
        if self._has_it == threading.get_ident():
            self._has_it = None
            self._turn.release()


_waiting = threading.local()
"""The turns that a thread takes up again when its answer comes."""
