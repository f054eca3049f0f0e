"""A scheduler acts only while its loop runs, because another one adopts the tasks of one that stalls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SECONDS = 15.0
"""Half of Airflow's default for ``[scheduler] scheduler_health_check_threshold``."""


class Lease:
    """The right to launch, stop and take events, renewed by every heartbeat.

    Airflow considers a scheduler dead when its heartbeat in the database is older than
    ``scheduler_health_check_threshold``, and lets another one adopt its tasks. If its loop only stalled, its
    threads would continue and launch the same tasks. So threads act only if the loop called within half of
    that time. This needs no database query.

    Args:
        seconds: how long a renewal lasts.
        clock: monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._renewed_at = clock()

    def renew(self) -> None:
        """Record that the loop runs. Called only by the scheduler's thread."""
        self._renewed_at = self._clock()

    def is_held(self) -> bool:
        """Return whether threads may act. Any thread may call this."""
        return self._clock() - self._renewed_at < self._seconds
