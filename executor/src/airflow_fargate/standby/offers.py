"""Hands launches to idle standbys, before the launch queue: a hit takes no RunTask token.

Each launch is offered at most once. Whatever goes wrong, it is launched cold as if there were no standbys; a
launch that may have reached a standby is recalled first. All waiting launches get their standbys before the
next call to S3, so that in a burst the launches without one do not wait for the offers of the others.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_fargate import metrics
from airflow_fargate.aws.ecs_task import RUNNING, EcsTask
from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Answer
from airflow_fargate.tasks.messages import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from airflow_fargate.fleet.threads import Health
    from airflow_fargate.metrics import Metrics
    from airflow_fargate.standby.pool import Pool, Standby
    from airflow_fargate.standby.store import Objects
    from airflow_fargate.tasks.launch import Attempt
    from airflow_fargate.tasks.messages import Message

log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.2
_READ_AFTER = (1.0, 1.0)
"""Seconds between an offer and the first look for its answer, and between the first look and the second."""
_LONGEST_PAUSE = 30.0
_STALLED_SECONDS = 1.0


@dataclass
class _Offer:
    """A launch that a standby was offered, or may have been."""

    attempt: Attempt
    standby: Standby
    made_at: float
    due: float
    looks: int = 0
    failures: int = 0
    is_sure: bool = True


@dataclass(frozen=True)
class _Match:
    """A launch and the standby that is reserved for it; ``is_current`` as in ``Pool.reserve``."""

    attempt: Attempt
    standby: Standby
    is_current: Callable[[Standby], bool]


class Offers:
    """Offers launches, and follows each offer to its end.

    Args:
        objects: the protocol's objects.
        pool: the idle standbys.
        match: returns a launch's fingerprint, and what tells whether a standby is of the current revision.
            Raises if the launch has no valid request.
        clock: monotonic seconds.
        post: takes a message for the registry.
        cold: launches an attempt as if there were no standbys.
        stop: has an ECS task stopped.
        tag: puts a launch's tags on the container that took it.
        claim_timeout: seconds after which an offer is recalled.
        may_act: returns whether this scheduler's loop still runs.
        health: records failures.
        measured: collects metrics.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        objects: Objects,
        pool: Pool,
        match: Callable[[Attempt], tuple[str, Callable[[Standby], bool]]],
        clock: Callable[[], float],
        post: Callable[[Message], None],
        cold: Callable[[Attempt], None],
        stop: Callable[[str, str], None],
        tag: Callable[[str, Attempt], None],
        claim_timeout: float,
        may_act: Callable[[], bool],
        health: Health,
        measured: Metrics,
    ) -> None:
        self._objects, self._pool, self._match = objects, pool, match
        self._clock, self._post, self._cold = clock, post, cold
        self._stop, self._tag = stop, tag
        self._claim_timeout = claim_timeout
        self._may_act = may_act
        self._health, self._metrics = health, measured
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, Attempt]] = []
        self._reserved: list[tuple[int, int, _Match]] = []
        self._open: list[tuple[float, int, _Offer]] = []
        # Task instances with an unsettled offer -> their later launches, which wait for its end.
        self._held: dict[Hashable, list[Attempt]] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def submit(self, attempt: Attempt) -> bool:
        """Take an attempt if a standby may run it; return False to launch it cold. Does no I/O."""
        launch = attempt.launch
        with self._lock:
            if launch.subject in self._held:
                # If its earlier launch takes its standby now, both containers would start the same try.
                self._held[launch.subject].append(attempt)
                return True
            if not launch.takes_standby or not launch.id_is_recorded or launch.document is None:
                return False
            if not len(self._pool):
                self._metrics.count(metrics.STANDBY_MISSES, why="no standby")
                return False
            heapq.heappush(self._waiting, (-launch.priority, next(self._order), attempt))
            self._held[launch.subject] = []
            self._changed.notify()
            return True

    def wait(self, seconds: float) -> None:
        """Block the calling thread for so long, or until there is something to do."""
        with self._lock:
            if not self._waiting and not self._reserved:
                self._changed.wait(timeout=min(seconds, _IDLE_SECONDS))

    def run_one(self) -> float:
        """Make the next offer, or look after one; return 0.0, or the seconds until one is due."""
        if not self._may_act():
            return _STALLED_SECONDS
        self._reserve_waiting()
        with self._lock:
            match = heapq.heappop(self._reserved)[2] if self._reserved else None
            offer = None
            if match is None and self._open:
                if (wait := self._open[0][0] - self._clock()) > 0:
                    return wait
                offer = heapq.heappop(self._open)[2]
        if match is not None:
            self._offer(match)
        elif offer is not None:
            self._look_after(offer)
        else:
            return _IDLE_SECONDS
        return 0.0

    # --- making an offer -----------------------------------------------------------------------------------

    def _reserve_waiting(self) -> None:
        """Reserve a standby for each waiting launch, and launch those cold that get none. Does no I/O."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                attempt = heapq.heappop(self._waiting)[2]
            self._reserve(attempt)

    def _reserve(self, attempt: Attempt) -> None:
        standby, why = None, "error"
        try:
            if attempt.launch.cancelled:
                why = ""
            else:
                fingerprint, is_current = self._match(attempt)
                standby, why = self._pool.reserve(fingerprint, is_current)
        except Exception as error:  # noqa: BLE001  whatever it is: no offer was made
            self._health.failed("standby offers", error, doing="deciding on a standby")
        if standby is None:
            self._launch_cold(attempt, why)
            return
        match = _Match(attempt, standby, is_current)
        with self._lock:
            heapq.heappush(self._reserved, (-attempt.launch.priority, next(self._order), match))
            self._changed.notify()

    def _offer(self, match: _Match) -> None:
        attempt, why = match.attempt, "error"
        try:
            standby, why = self._decide(match)
        except Exception as error:  # noqa: BLE001  whatever it is: no offer was made
            self._health.failed("standby offers", error, doing="deciding on a standby")
            standby = None
        if standby is None:
            self._launch_cold(attempt, why)
            return
        offer = _Offer(attempt, standby, self._clock(), self._clock() + _READ_AFTER[0])
        launch = attempt.launch
        try:
            document = launch.document or str
            offered = self._objects.do(
                protocol.make_offer(launch.launch_id, standby.id, standby.etag, document)
            )
        except Exception as error:  # noqa: BLE001  the standby may have it
            self._health.failed("standby offers", error, doing="offering a task to a standby")
            offer.is_sure, offer.due = False, self._clock()
            offered = True
        else:
            self._health.works("standby offers")
        if offered:
            self._follow(offer)
        else:
            self._launch_cold(attempt, "taken")

    def _decide(self, match: _Match) -> tuple[Standby | None, str]:
        """Write the launch's fate; return None and the reason to launch it cold."""
        launch = match.attempt.launch
        if launch.cancelled:
            self._pool.give_back(match.standby)
            return None, ""
        standby, why = self._confirm(match)
        if standby is None:
            return None, why
        try:
            decided = self._objects.do(protocol.decide(launch.launch_id, standby.id, standby.arn))
        except Exception:
            self._pool.give_back(standby)
            raise
        if decided and self._may_act() and not launch.cancelled:
            return standby, ""
        self._pool.give_back(standby)
        return None, "adopted elsewhere"

    def _confirm(self, match: _Match) -> tuple[Standby | None, str]:
        """Return the reserved standby, or the next, that no other scheduler has used since the listing."""
        standby: Standby | None = match.standby
        why = ""
        while standby is not None:
            try:
                etag = self._objects.open_offer(standby.id)
            except Exception:
                self._pool.give_back(standby)
                raise
            # A launch has one offer only, so it would be launched cold if this one were taken.
            if etag == standby.etag:
                return standby, ""
            standby, why = self._pool.reserve(standby.fingerprint, match.is_current)
        return None, why

    # --- following it --------------------------------------------------------------------------------------

    def _follow(self, offer: _Offer) -> None:
        with self._lock:
            heapq.heappush(self._open, (offer.due, next(self._order), offer))

    def _look_after(self, offer: _Offer) -> None:
        now, launch = self._clock(), offer.attempt.launch
        late = not offer.is_sure or now - offer.made_at >= self._claim_timeout
        recalls = late or launch.cancelled
        try:
            if recalls:
                runs = self._objects.do(protocol.recall(launch.launch_id, offer.standby.id))
                answer = Answer.TOOK if runs else Answer.NEVER
            else:
                answer = self._objects.do(protocol.acknowledge(launch.launch_id, offer.standby.id))
        except Exception as error:  # noqa: BLE001  nothing is known; it is asked again
            self._health.failed("standby offers", error, doing="reading a standby's answer")
            self._ask_again(offer, now)
            return
        self._health.works("standby offers")
        if answer is Answer.TOOK:
            self._accept(offer)
        elif answer is Answer.NEVER:
            if recalls:
                self._stop(offer.standby.arn, "The standby did not take its task in time.")
            self._launch_cold(offer.attempt, "not claimed")
        else:
            offer.looks += 1
            rest = offer.made_at + self._claim_timeout - now
            offer.due = now + (min(_READ_AFTER[1], rest) if offer.looks < len(_READ_AFTER) else rest)
            self._follow(offer)

    def _ask_again(self, offer: _Offer, now: float) -> None:
        offer.failures += 1
        if now >= offer.attempt.deadline:
            # S3 has failed for as long as a launch may take. The end of this container decides.
            self._stop(offer.standby.arn, "S3 does not say whether this standby took its task.")
            self._accept(offer)
            return
        offer.due = now + min(_LONGEST_PAUSE, 2.0 ** min(offer.failures, 5) / 2)
        self._follow(offer)

    def _accept(self, offer: _Offer) -> None:
        launch, arn = offer.attempt.launch, offer.standby.arn
        log.info("%s runs on standby %s", launch.identity, arn)
        # Airflow hears the ARN only now: told earlier, it would overwrite the launch id, and a new scheduler
        # could no longer find the fate.
        self._post(Accepted(launch.launch_id, EcsTask(arn, RUNNING), offer.attempt))
        self._metrics.count(metrics.STANDBY_HITS)
        self._metrics.time(metrics.STANDBY_CLAIM_SECONDS, max(0.0, self._clock() - offer.made_at))
        self._release(offer.attempt)
        try:
            self._tag(arn, offer.attempt)
        except Exception as error:  # noqa: BLE001  the container runs its task all the same
            self._health.failed("standby tags", error, doing="tagging a standby that took a task")
        else:
            self._health.works("standby tags")

    def _launch_cold(self, attempt: Attempt, why: str) -> None:
        if why:
            self._metrics.count(metrics.STANDBY_MISSES, why=why)
        self._cold(attempt)
        self._release(attempt)

    def _release(self, attempt: Attempt) -> None:
        with self._lock:
            held = self._held.pop(attempt.launch.subject, [])
        for each in held:
            self._cold(each)

    def debug(self) -> dict[str, Any]:
        """Return what waits, for tests and a debugger."""
        return {
            "waiting": len(self._waiting) + len(self._reserved),
            "open": len(self._open),
            "held": dict(self._held),
        }
