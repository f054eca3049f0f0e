"""Calls RunTask for attempts that are due: the only code that starts containers.

``run_one`` makes at most one launch and waits for nothing but AWS, so many threads can call it, and a test
can call it with a clock of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_fargate import metrics
from airflow_fargate.aws import ecs
from airflow_fargate.aws.ecs_task import EcsTask
from airflow_fargate.aws.failures import LaunchError, LaunchErrorKind, classify_error
from airflow_fargate.aws.launch_causes import NO_REASON
from airflow_fargate.errors import RequestError
from airflow_fargate.launching.payload import NotStoredError, prepare
from airflow_fargate.metrics import Metrics
from airflow_fargate.tasks.launch import Attempt
from airflow_fargate.tasks.messages import Accepted, Delayed, LaunchFailed, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.aws.clients import ClientSource
    from airflow_fargate.launching.launch_queue import LaunchQueue
    from airflow_fargate.launching.payload import PayloadStore
    from airflow_fargate.launching.request import RunRequestBuilder

log = logging.getLogger(__name__)

_SETTLE_SECONDS = 120.0
"""How long after its deadline a launch with an unknown outcome is repeated before it is given up."""
_BLIND_SECONDS = 15.0
"""How long a new task may be missing from ListTasks."""
_STALE_SECONDS = 60.0
"""Age at which a request that AWS never processed is rebuilt, because the token in its payload expires."""

_WORTH_TELLING = 3
"""Consecutive rejections with the same cause after which the user sees what the launch waits for."""

_UNWANTED = "Airflow no longer wants this task."


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    Args:
        first: seconds before the second try.
        longest: the longest wait, in seconds.
        random: returns a number in [0, 1).
    """

    random: Callable[[], float]
    first: float = 1.0
    longest: float = 30.0

    def delay(self, kind: LaunchErrorKind, refusals: int, now: float, deadline: float) -> float | None:
        """Return the seconds to wait, or None to give the launch up.

        Args:
            kind: the kind of the last rejection.
            refusals: how many consecutive rejections there were, this one included.
            now: monotonic seconds.
            deadline: monotonic seconds after which no try begins.
        """
        if kind is LaunchErrorKind.PERMANENT or now >= deadline:
            return None
        longest: float = min(self.longest, self.first * (1 << min(refusals - 1, 16)))
        # Half fixed, half random, so that retries are neither immediate nor all at the same time.
        wait = longest / 2 + self.random() * longest / 2
        # The last try happens at the deadline.
        return min(wait, max(0.0, deadline - now))


class Launcher:
    """Launches attempts.

    Args:
        clients: returns the ECS client.
        builder: builds requests.
        payloads: stores workloads for containers to read.
        queue: returns the next attempt.
        policy: returns how long to wait before a retry.
        clock: monotonic seconds.
        post: takes a message for the registry; called from any thread.
        may_act: returns whether this scheduler's loop still runs
            (:class:`~airflow_fargate.fleet.lease.Lease`).
        measured: collects metrics; they are discarded by default.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        clients: ClientSource,
        builder: RunRequestBuilder,
        payloads: PayloadStore,
        queue: LaunchQueue,
        policy: RetryPolicy,
        clock: Callable[[], float],
        post: Callable[[Message], None],
        may_act: Callable[[], bool] = lambda: True,
        measured: Metrics | None = None,
    ) -> None:
        self._metrics = measured or Metrics()
        self._clients = clients
        self._builder = builder
        self._payloads = payloads
        self._queue = queue
        self._policy = policy
        self._clock = clock
        self._post = post
        self._may_act = may_act

    def submit(self, attempt: Attempt) -> None:
        """Queue an attempt. Called from the scheduler's thread; does no I/O."""
        self._queue.put(attempt)

    def resubmit(self, attempt: Attempt) -> None:
        """Queue an attempt whose task stopped before it ran; it waits as a rejected launch does."""
        attempt = replace(attempt, refusals=attempt.refusals + 1)
        delay = self._policy.delay(
            LaunchErrorKind.CAPACITY, attempt.refusals, self._clock(), attempt.deadline
        )
        self._queue.put(attempt, delay or 0.0)

    def run_one(self) -> float:
        """Launch the next attempt; return 0.0, or the seconds until one may be due."""
        taken = self._queue.take()
        if not isinstance(taken, Attempt):
            return taken
        try:
            self._launch(taken)
        except BaseException as error:
            # A bug, or the end of this thread (SystemExit from a library). The attempt has left the queue, so
            # it would be lost if it were not queued again here.
            log.exception("Launching %s failed with a bug; it is launched again", taken.launch.identity)
            self._again(taken, LaunchError(LaunchErrorKind.WAIT, f"A bug in the launcher: {error!r}"), taken)
            if not isinstance(error, Exception):
                raise
        return 0.0

    def _launch(self, attempt: Attempt) -> None:
        if attempt.is_moot:
            self._give_up(attempt, _UNWANTED)
            return
        if attempt.given_up is not None:
            self._search(attempt, attempt.given_up)
            return
        now = self._clock()
        if attempt.request is None or (attempt.unknown_at is None and now - attempt.made_at > _STALE_SECONDS):
            try:
                attempt.request, attempt.made_at = prepare(attempt, self._builder, self._payloads), now
            except RequestError as error:
                self._give_up(attempt, str(error))
                return
            except NotStoredError as error:
                self._not_stored(attempt, error.cause)
                return
        if not self._may_act():
            # The loop stalled while the request was built.
            self._queue.put(attempt)
            return
        answer = self._call(attempt.request)
        if isinstance(answer, EcsTask):
            self._accept(attempt, answer)
        elif answer.existing_arns:
            # The task exists, launched with other parameters (by another scheduler or a newer release).
            self._accept(attempt, EcsTask(answer.existing_arns[0], "PROVISIONING"))
        else:
            self._refused(attempt, answer)

    def _call(self, request: dict[str, Any]) -> EcsTask | LaunchError:
        try:
            client = self._clients("ecs")
        except Exception as error:  # noqa: BLE001  files, environment and metadata service raise their own
            # Nothing was sent, so the outcome is known: no container was started.
            found = classify_error(error, None, {})
            return (
                found
                if found.kind is LaunchErrorKind.PERMANENT
                else replace(found, kind=LaunchErrorKind.WAIT)
            )
        return ecs.run_task(client, request)

    def _not_stored(self, attempt: Attempt, error: Exception) -> None:
        body = getattr(error, "response", None) or {}
        status = (body.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        found = classify_error(error, status, body)
        if found.kind is LaunchErrorKind.UNKNOWN:
            # Nothing was launched, whether or not the object was written: write it again.
            found = replace(found, kind=LaunchErrorKind.WAIT)
        sentence = f"The workload could not be written to [fargate] payload_bucket: {found.sentence}"
        self._again(attempt, replace(found, sentence=sentence), attempt)

    def _accept(self, attempt: Attempt, ecs_task: EcsTask) -> None:
        attempt.request = None
        log.info("Launched %s as %s", attempt.launch.identity, ecs_task.arn)
        self._post(Accepted(attempt.launch.launch_id, ecs_task, attempt))
        since = attempt.deadline - self._builder.config.launch_timeout
        self._metrics.count(metrics.LAUNCHES, capacity=self._builder.capacity(attempt))
        self._metrics.time(metrics.LAUNCH_SECONDS, max(0.0, self._clock() - since))

    def _refused(self, attempt: Attempt, refusal: LaunchError) -> None:
        following = attempt
        if refusal.kind is LaunchErrorKind.THROTTLED:
            self._queue.slow_down()
            self._metrics.count(metrics.THROTTLES)
        elif refusal.kind is LaunchErrorKind.UNKNOWN:
            attempt.unknown_at = self._clock()
        # An empty answer to a repeated call does not tell whether the first call started something.
        proves_nothing = attempt.unknown_at is not None and refusal.cause == NO_REASON.id
        if refusal.answered and not proves_nothing:
            # AWS started nothing, now or before. The next attempt may differ, so it needs a new token.
            attempt.unknown_at = None
            following = attempt.next_number()
            if refusal.kind is LaunchErrorKind.CAPACITY:
                self._metrics.count(metrics.CAPACITY_REFUSALS, capacity=self._builder.capacity(attempt))
                following = replace(following, capacity=attempt.capacity + 1)
        self._again(attempt, refusal, following)

    def _again(self, attempt: Attempt, refusal: LaunchError, following: Attempt) -> None:
        """Queue the following attempt, or give up."""
        # Throttling is not about this launch: the limiter slows down all of them.
        refusals = 1 if refusal.kind is LaunchErrorKind.THROTTLED else attempt.refusals + 1
        why = refusal.cause or refusal.sentence
        same = attempt.same_why + 1 if why == attempt.why else 1
        following = replace(following, refusals=refusals, why=why, same_why=same)
        if same == _WORTH_TELLING and refusal.kind is not LaunchErrorKind.THROTTLED:
            self._post(Delayed(attempt.launch.launch_id, str(refusal)))
        delay = self._policy.delay(refusal.kind, refusals, self._clock(), attempt.deadline)
        if refusal.kind in (LaunchErrorKind.UNKNOWN, LaunchErrorKind.WAIT):
            self._metrics.count(metrics.LAUNCH_ERRORS)
        if attempt.is_moot:
            self._give_up(attempt, _UNWANTED)
        elif delay is not None:
            if why != attempt.why:
                # Once per cause: there may be a hundred calls in a capacity gap of ten minutes.
                log.info("Not launched yet: %s: %s", attempt.launch.identity, refusal.sentence)
            # Try the rest of the capacity chain at once; wait only after the whole chain was rejected.
            mid_round = following.capacity % len(self._builder.chain(following)) != 0
            at_once = refusal.kind is LaunchErrorKind.CAPACITY and mid_round
            self._queue.put(following, 0.0 if at_once else delay)
        elif attempt.unknown_at is not None:
            self._settle(attempt, refusal)
        else:
            waited = (
                ""
                if refusal.kind is LaunchErrorKind.PERMANENT
                else "Gave up after [fargate] launch_timeout: "
            )
            self._give_up(attempt, waited + str(refusal))

    def _settle(self, attempt: Attempt, refusal: LaunchError) -> None:
        """Find out whether a launch with an unknown outcome started a container, before giving it up.

        Repeat RunTask first: for a known clientToken it returns the task. If RunTask gives no answer for too
        long, or rejects the launch for good, search for the task once ListTasks is sure to show it.
        """
        now = self._clock()
        if refusal.kind is not LaunchErrorKind.PERMANENT and now < attempt.deadline + _SETTLE_SECONDS:
            self._queue.put(attempt, self._policy.longest)
            return
        attempt.given_up = refusal
        self._queue.put(attempt, max(0.0, (attempt.unknown_at or now) + _BLIND_SECONDS - now))

    def _search(self, attempt: Attempt, refusal: LaunchError) -> None:
        request = attempt.request or {}
        try:
            found = ecs.find_by_launch_id(self._clients("ecs"), request["cluster"], request["startedBy"])
        except Exception as error:  # noqa: BLE001  a failed search does not mean that there is no task
            if self._clock() < attempt.deadline + 2 * _SETTLE_SECONDS:
                self._queue.put(attempt, self._policy.longest)
                return
            self._give_up(
                attempt,
                f"RunTask's outcome is unknown ({refusal.sentence}), and searching for the container failed: "
                f"{error!r}. Run `airflow fargate reap` to list containers that no task owns.",
                keep_payload=True,  # A container may still read it.
            )
            return
        if found is not None:
            self._accept(attempt, found)
        else:
            self._give_up(attempt, f"Gave up after [fargate] launch_timeout: {refusal}")

    def _give_up(self, attempt: Attempt, sentence: str, *, keep_payload: bool = False) -> None:
        log.log(
            logging.INFO if sentence == _UNWANTED else logging.ERROR,
            "Not launched: %s: %s",
            attempt.launch.identity,
            sentence,
        )
        self._post(LaunchFailed(attempt.launch.launch_id, sentence, attempt.round))
        if keep_payload or attempt.launch.adopted_elsewhere:
            return
        try:
            self._payloads.discard(attempt)
        except Exception as error:  # noqa: BLE001  the bucket's lifecycle rule removes it in a day
            log.debug("The payload of %s was not deleted; it expires: %r", attempt.launch.identity, error)
