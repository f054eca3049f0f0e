"""May this scheduler act? Only while its loop runs: another one takes over from a scheduler that stalls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SECONDS = 15.0
"""Half of Airflow's default for ``[scheduler] scheduler_health_check_threshold``."""


class Lease:
    """The right to launch, stop and take events, renewed by every heartbeat.

    Airflow takes a scheduler for dead when its row in the database is older than
    ``scheduler_health_check_threshold``, and has another one adopt its tasks. A loop that only stalled would
    go on in the background and launch them too. So threads act while the loop was here within half of that
    time. Nothing is asked of the database for it.

    Args:
        seconds: how long a renewal lasts.
        clock: monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._renewed_at = clock()

    def renew(self) -> None:
        """Note that the loop runs; called by the scheduler's thread alone."""
        self._renewed_at = self._clock()

    def is_held(self) -> bool:
        """Say whether the threads may act; any thread may ask."""
        return self._clock() - self._renewed_at < self._seconds
