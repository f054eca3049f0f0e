"""Threads that repeat one step for ever, and are noticed when they end."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


log = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0
_AFTER_ERROR = 5.0


class StepThread:
    """One thread.

    Args:
        name: for logs and thread dumps.
        doing: what a step does, for the log ("receiving events").
        step: does one thing and returns 0, or the seconds to wait when there is nothing to do (or no more).
        health: is told of exceptions; none ends the thread.
        wait: waits so many seconds, or less; the default can be ended by :meth:`stop`.
    """

    def __init__(
        self,
        name: str,
        doing: str,
        step: Callable[[], float],
        health: Health,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self._name = name
        self._doing = doing
        self._step = step
        self._health = health
        self._stopping = threading.Event()
        self._wait = wait or self._sleep
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it is a daemon: a scheduler that exits must not wait for a long poll."""
        self._thread = threading.Thread(target=self._run, name=f"fargate-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the step under way."""
        self._stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait for its end; say whether it ended."""
        if self._thread is not None:
            self._thread.join(timeout=max(0.0, seconds))
        return self._thread is None or not self._thread.is_alive()

    def restart_if_dead(self) -> bool:
        """Start it anew when it died unasked; say whether that was needed."""
        if self._thread is None or self._thread.is_alive() or self._stopping.is_set():
            return False
        log.error("The thread %s had ended; starting it again", self._name)
        self.start()
        return True

    def _sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = self._step()
            except Exception as error:  # noqa: BLE001  one bad step must not end the thread
                self._health.failed(self._name, error, doing=self._doing)
                self._stopping.wait(_AFTER_ERROR)
            else:
                # One that waits for work has not shown that it works: it would say so between two failures.
                if pause > 0:
                    self._wait(min(pause, _LONGEST_PAUSE))
                else:
                    self._health.works(self._name)


class Health:
    """Remembers, per part, the last complaint.

    Args:
        log: where changes are written.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._complaints: dict[str, str] = {}
        self._lock = threading.Lock()

    def failed(self, part: str, error: BaseException, *, doing: str) -> None:
        """Note that a part failed; logged when it worked before, or failed otherwise."""
        kind = _kind(error)
        with self._lock:
            if self._complaints.get(part) == kind:
                return
            self._complaints[part] = kind
        self._log.error("%s failed while %s, and goes on trying: %s", part, doing, error, exc_info=error)

    def works(self, part: str) -> None:
        """Note that a part works; logged when it did not before."""
        if part in self._complaints:
            with self._lock:
                self._complaints.pop(part, None)
            self._log.info("%s works again", part)

    def complaints(self) -> dict[str, str]:
        """Return what does not work now: part -> kind of error."""
        with self._lock:
            return dict(self._complaints)


def _kind(error: BaseException) -> str:
    """Return what tells one cause from another: request ids and times in messages do not."""
    response = getattr(error, "response", None)
    code = (response.get("Error") or {}).get("Code", "") if isinstance(response, dict) else ""
    return f"{type(error).__name__} {code}".strip()
