"""Carries events from the task plane to EventBridge in a thread of its own, in order."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("local_cloud")


class Event(Protocol):
    """An event of ECS on its way to EventBridge."""

    @property
    def time(self) -> float:
        """When it happened, in seconds since the epoch."""

    @property
    def region(self) -> str:
        """Where it happened."""

    @property
    def account(self) -> str:
        """Whose account it happened in."""

    @property
    def subject(self) -> str:
        """The ARN of the task or service it is about."""

    def envelope(self) -> dict[str, Any]:
        """The event as EventBridge writes it to a target."""


class EventCourier:
    """`send` returns at once; `deliver` is called for each event, and `delivered` after it."""

    def __init__(self, deliver: Callable[[Event], None], delivered: Callable[[], None]) -> None:
        self._deliver = deliver
        self._delivered = delivered
        self._waiting: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="event-courier", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Take an event; a subscriber of the plane."""
        self._waiting.put(event)

    def close(self) -> None:
        """Deliver what is waiting, then end."""
        self._waiting.put(None)
        self._thread.join(10)

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._deliver(event)
            except Exception:
                log.exception("an event of %s could not be delivered", event.subject)
            self._delivered()
