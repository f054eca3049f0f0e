"""Threads that repeat one step forever, and the record of which of them fail."""

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
        name: the thread's name, for logs and thread dumps.
        doing: what a step does, for the log ("receiving events").
        step: does one thing; returns 0, or the seconds to wait if there is nothing to do.
        health: records exceptions; none of them ends the thread.
        wait: waits for at most so many seconds; :meth:`stop` interrupts the default.
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
        """Start the thread, as a daemon, so that a scheduler can exit during a long poll."""
        self._thread = threading.Thread(target=self._run, name=f"fargate-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Request the end of the thread after the current step."""
        self._stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end; return whether it did."""
        if self._thread is not None:
            self._thread.join(timeout=max(0.0, seconds))
        return self._thread is None or not self._thread.is_alive()

    def restart_if_dead(self) -> bool:
        """Restart the thread if it died; return whether that was necessary."""
        if self._thread is None or self._thread.is_alive() or self._stopping.is_set():
            return False
        log.error("The thread %s died; restarting it", self._name)
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
                # A step without work proves nothing, so it does not clear an earlier failure.
                if pause > 0:
                    self._wait(min(pause, _LONGEST_PAUSE))
                else:
                    self._health.works(self._name)


class Health:
    """The last error of each part, logged once per change, so that a failing API does not flood the log.

    Args:
        log: where changes are written.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._complaints: dict[str, str] = {}
        self._lock = threading.Lock()

    def failed(self, part: str, error: BaseException, *, doing: str) -> None:
        """Record a failure; log it if the part worked before, or failed with another error."""
        kind = _kind(error)
        with self._lock:
            if self._complaints.get(part) == kind:
                return
            self._complaints[part] = kind
        self._log.error("%s failed while %s; it keeps trying: %s", part, doing, error, exc_info=error)

    def works(self, part: str) -> None:
        """Record a success; log it if the part failed before."""
        if part in self._complaints:
            with self._lock:
                self._complaints.pop(part, None)
            self._log.info("%s works again", part)

    def complaints(self) -> dict[str, str]:
        """Return the parts that fail now, each with its kind of error."""
        with self._lock:
            return dict(self._complaints)


def _kind(error: BaseException) -> str:
    """Return what identifies a cause; request ids and times in the message do not."""
    response = getattr(error, "response", None)
    code = (response.get("Error") or {}).get("Code", "") if isinstance(response, dict) else ""
    return f"{type(error).__name__} {code}".strip()
