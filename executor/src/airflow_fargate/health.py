"""What works and what does not, said once per change: a broken API must not write a line per second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


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
