"""A scheduler acts only while its loop runs, because another one adopts the tasks of one that stalls."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from airflow_fargate.fleet.threads import Health

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 15.0
"""Half of Airflow's default for ``[scheduler] scheduler_health_check_threshold``."""
_SYNCS_TO_RESUME = 2
"""Heartbeats after a stall before anything is launched; in between, Airflow renews the scheduler's own
heartbeat in the database."""


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


class Renewal:
    """Renews the lease, and after a stall first finds the tasks that another scheduler adopted.

    Called only by the scheduler's thread.

    Args:
        lease: what is renewed.
        adopted_elsewhere: returns the keys, of those given, whose tasks another scheduler adopted.
        health: records that they cannot be found.
    """

    def __init__(
        self,
        lease: Lease,
        adopted_elsewhere: Callable[[Sequence[Hashable]], Iterable[Hashable]],
        health: Health,
    ) -> None:
        self._lease = lease
        self._adopted_elsewhere = adopted_elsewhere
        self._health = health
        self._stalled, self._syncs_since = False, 0

    def renew(self, keys: Callable[[], Sequence[Hashable]]) -> list[Hashable]:
        """Renew the lease; return the keys of the tasks that another scheduler adopted during a stall.

        Args:
            keys: returns the keys of the tracked tasks; called only after a stall.
        """
        if self._lease.is_held():
            self._stalled = False
            self._lease.renew()
            return []
        if not self._stalled:
            self._stalled = True
            log.warning("The scheduler's loop stalled; checking whether another scheduler adopted its tasks.")
        try:
            adopted = list(self._adopted_elsewhere(keys()))
        except Exception as error:  # noqa: BLE001  no database: launch nothing until it answers
            self._health.failed("lease", error, doing="checking whether another scheduler adopted tasks")
            self._syncs_since = 0
            return []
        self._health.works("lease")
        self._syncs_since += 1
        if self._syncs_since >= _SYNCS_TO_RESUME:
            self._syncs_since = 0
            self._lease.renew()
        return adopted
