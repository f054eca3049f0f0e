"""From attempts that are due to RunTask: the only code that starts containers.

``run_one`` does at most one launch and never waits for anything but AWS, so that many threads may call it,
and a test may call it by hand with a clock of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_fargate import metrics
from airflow_fargate.aws import ecs
from airflow_fargate.aws.ecs_task import EcsTask
from airflow_fargate.aws.failures import LaunchError, LaunchErrorKind, classify_error
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
"""How long after its deadline a launch of unknown outcome is asked for before it is given up."""
_BLIND_SECONDS = 15.0
"""How long ListTasks may not show a task that was just started."""
_STALE_SECONDS = 60.0
"""Age at which a request that AWS never looked at is made anew: the token in its payload is ageing."""

_WORTH_TELLING = 3
"""Refusals in a row for the same cause, after which the user is told what the launch waits for."""

_UNWANTED = "Airflow no longer wants this task."


@dataclass(frozen=True)
class RetryPolicy:
    """Jittered exponential backoff.

    Args:
        first: seconds before the second try.
        longest: seconds that no wait exceeds.
        random: returns a number in [0, 1).
    """

    random: Callable[[], float]
    first: float = 1.0
    longest: float = 30.0

    def delay(self, kind: LaunchErrorKind, refusals: int, now: float, deadline: float) -> float | None:
        """Return the seconds to wait, or None when the launch is to be given up.

        Args:
            kind: what the last refusal means.
            refusals: how many there were in a row, this one included.
            now: monotonic seconds.
            deadline: monotonic seconds after which no try begins.
        """
        if kind is LaunchErrorKind.PERMANENT or now >= deadline:
            return None
        longest: float = min(self.longest, self.first * (1 << min(refusals - 1, 16)))
        # Half fixed, half random: never at once, and never all together.
        wait = longest / 2 + self.random() * longest / 2
        # The last try is made at the deadline rather than never.
        return min(wait, max(0.0, deadline - now))


class Launcher:
    """Launches attempts.

    Args:
        clients: where the ECS client comes from.
        builder: makes requests.
        payloads: puts workloads where containers find them.
        queue: says what is next.
        policy: says how long to wait.
        clock: monotonic seconds.
        post: takes a message for the registry; called from any thread.
        may_act: says whether this scheduler's loop still runs (:class:`~airflow_fargate.fleet.lease.Lease`).
        measured: what is measured; nobody sees it when left out.
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
        """Take an attempt; called from the scheduler's thread, does no I/O."""
        self._queue.put(attempt)

    def resubmit(self, attempt: Attempt) -> None:
        """Take an attempt whose task stopped before it ran; it waits as a refused launch does."""
        attempt = replace(attempt, refusals=attempt.refusals + 1)
        delay = self._policy.delay(
            LaunchErrorKind.CAPACITY, attempt.refusals, self._clock(), attempt.deadline
        )
        self._queue.put(attempt, delay or 0.0)

    def run_one(self) -> float:
        """Launch what is due; return 0.0, or the seconds until something may be due."""
        taken = self._queue.take()
        if not isinstance(taken, Attempt):
            return taken
        try:
            self._launch(taken)
        except BaseException as error:
            # A fault of ours, or the end of this thread (SystemExit out of a library). The attempt is out of
            # the queue and in nobody's hands but ours.
            log.exception("A fault while launching %s; it is launched again", taken.launch.identity)
            self._again(
                taken, LaunchError(LaunchErrorKind.WAIT, f"A fault in the launcher: {error!r}"), taken
            )
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
            # Making the request took that long.
            self._queue.put(attempt)
            return
        answer = self._call(attempt.request)
        if isinstance(answer, EcsTask):
            self._accept(attempt, answer)
        elif answer.existing_arns:
            # The task exists already, from parameters that differed (another scheduler's, a newer release's).
            self._accept(attempt, EcsTask(answer.existing_arns[0], "PROVISIONING"))
        else:
            self._refused(attempt, answer)

    def _call(self, request: dict[str, Any]) -> EcsTask | LaunchError:
        try:
            client = self._clients("ecs")
        except Exception as error:  # noqa: BLE001  files, environment, metadata service: whatever they raise
            # Nothing was sent, so that whatever it is, it is no launch of unknown outcome.
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
            # Nothing was launched, whatever became of the object: it is written again.
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
        if refusal.answered:
            # AWS started nothing, now or before: the next attempt may differ, so it needs a token of its own.
            attempt.unknown_at = None
            following = attempt.next_number()
            if refusal.kind is LaunchErrorKind.CAPACITY:
                self._metrics.count(metrics.CAPACITY_REFUSALS, capacity=self._builder.capacity(attempt))
                following = replace(following, capacity=attempt.capacity + 1)
        self._again(attempt, refusal, following)

    def _again(self, attempt: Attempt, refusal: LaunchError, following: Attempt) -> None:
        """Queue the following attempt, or give up."""
        # Throttling says nothing of this launch: the limiter slows all of them, and this one waits a moment.
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
                # Once for each cause: it may be asked for a hundred times in a gap of ten minutes.
                log.info("Not launched yet: %s: %s", attempt.launch.identity, refusal.sentence)
            # The rest of the chain is asked at once; only a whole round of refusals is waited out.
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
        """Before a launch of unknown outcome is given up: is there a container after all?

        RunTask knows: the same clientToken is answered with its task. When it gives no answer for too long,
        or refuses for good by now, the task is looked for, not before ListTasks must show it.
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
        except Exception as error:  # noqa: BLE001  not known is not the same as not there
            if self._clock() < attempt.deadline + 2 * _SETTLE_SECONDS:
                self._queue.put(attempt, self._policy.longest)
                return
            self._give_up(
                attempt,
                f"It is not known whether a container was started: {refusal.sentence} Looking for it failed "
                f"too: {error!r}. `airflow fargate reap` lists containers that no task owns.",
                keep_payload=True,  # There may be a container on its way to it.
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
            log.debug("The payload of %s stays until it expires: %r", attempt.launch.identity, error)
