"""From attempts that are due to RunTask: the only code that starts containers.

``run_one`` does at most one launch and never waits for anything but AWS, so that many threads may call it,
and a test may call it by hand with a clock of its own.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_fargate import ecs, metrics
from airflow_fargate.errors import RequestError, TaskOptionsError
from airflow_fargate.failures import LaunchError, LaunchErrorKind, classify_error
from airflow_fargate.launch import Attempt
from airflow_fargate.messages import Accepted, LaunchFailed, Message
from airflow_fargate.metrics import Metrics
from airflow_fargate.preparation import NotStoredError, Preparation
from airflow_fargate.task_state_change import TaskStateChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_fargate.ecs import ClientSource
    from airflow_fargate.launch_queue import LaunchQueue
    from airflow_fargate.payload import PayloadStore
    from airflow_fargate.retry import RetryPolicy
    from airflow_fargate.run_request import RunRequestBuilder

log = logging.getLogger(__name__)

_SETTLE_SECONDS = 120.0
"""How long after its deadline a launch of unknown outcome is asked for before it is given up."""
_BLIND_SECONDS = 15.0
"""How long ListTasks may not show a task that was just started."""
_STALE_SECONDS = 60.0
"""Age at which a request that AWS never looked at is made anew: the token in its payload is ageing."""

_UNWANTED = "Airflow no longer wants this task."


@dataclass
class _Sent:
    """The request of an attempt, kept until its outcome is known: a repeat must be the same to the byte.

    Args:
        request: the keyword arguments.
        made_at: monotonic seconds.
        unknown_at: monotonic seconds of the last call whose outcome is not known; None without one.
        given_up: why RunTask is not called any more and the task is looked for; None while it is.
    """

    request: dict[str, Any]
    made_at: float
    unknown_at: float | None = None
    given_up: LaunchError | None = None


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
        counted: what is measured; nobody sees it when left out.
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
        counted: Metrics | None = None,
    ) -> None:
        self._metrics = counted or Metrics()
        self._clients = clients
        self._builder = builder
        self._preparation = Preparation(builder, payloads)
        self._queue = queue
        self._policy = policy
        self._clock = clock
        self._post = post
        self._sent: dict[str, _Sent] = {}
        # What the scheduler's thread hands over: it waits for no lock that sixty threads contend for.
        self._mailbox: deque[tuple[Attempt, float]] = deque()
        # Launches that were to be cancelled while they were under way: they end at the next refusal.
        self._unwanted: set[str] = set()

    def submit(self, attempt: Attempt, delay: float = 0.0) -> None:
        """Take an attempt; called from the scheduler's thread, does no I/O and waits for no lock."""
        self._unwanted.discard(attempt.launch.launch_id)
        self._hand_over(attempt, delay)

    def resubmit(self, attempt: Attempt) -> None:
        """Take an attempt whose task stopped before it ran; it waits as a refused launch does."""
        attempt = replace(attempt, refusals=attempt.refusals + 1)
        delay = self._policy.delay(
            LaunchErrorKind.CAPACITY, attempt.refusals, self._clock(), attempt.deadline
        )
        self._hand_over(attempt, delay or 0.0)

    def cancel(self, launch_id: str) -> bool:
        """Take a launch back.

        Returns:
            True when that was all; False when there is or may be a container or a payload: the launch goes on
            until that is known, and ends with :class:`Accepted` or :class:`LaunchFailed`.
        """
        self._open_mailbox()
        attempt = self._queue.cancel(launch_id)
        if attempt is not None and attempt.client_token not in self._sent:
            return True
        self._unwanted.add(launch_id)
        if attempt is not None:
            self._put(attempt)
        return False

    def run_one(self) -> float:
        """Launch what is due; return 0.0, or the seconds until something may be due."""
        self._queue.heard()
        self._open_mailbox()
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
        token, now = attempt.client_token, self._clock()
        sent = self._sent.get(token)
        if attempt.launch.launch_id in self._unwanted and (sent is None or sent.unknown_at is None):
            self._give_up(attempt, _UNWANTED)
            return
        if sent is not None and sent.given_up is not None:
            self._search(attempt, sent, sent.given_up)
            return
        if sent is None or (sent.unknown_at is None and now - sent.made_at > _STALE_SECONDS):
            try:
                sent = self._sent[token] = _Sent(self._preparation.prepare(attempt), now)
            except RequestError as error:
                self._give_up(attempt, str(error))
                return
            except NotStoredError as error:
                self._not_stored(attempt, error.cause)
                return
        answer = self._call(sent.request)
        if isinstance(answer, TaskStateChange):
            self._accept(attempt, answer)
        elif answer.existing_arns:
            # The task exists already, from parameters that differed (another scheduler's, a newer release's).
            self._accept(attempt, TaskStateChange(answer.existing_arns[0], "PROVISIONING"))
        else:
            self._refused(attempt, sent, answer)

    def _call(self, request: dict[str, Any]) -> TaskStateChange | LaunchError:
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

    def _hand_over(self, attempt: Attempt, delay: float) -> None:
        self._mailbox.append((attempt, delay))
        self._queue.ring()

    def _open_mailbox(self) -> None:
        # Threads may do this at once: each attempt is taken out by one of them.
        while self._mailbox:
            try:
                attempt, delay = self._mailbox.popleft()
            except IndexError:
                return
            if self._is_sound(attempt):
                self._put(attempt, delay)

    def _is_sound(self, attempt: Attempt) -> bool:
        """Have the details made; a launch whose details cannot be made is refused here."""
        try:
            attempt.launch.details  # noqa: B018  made by this
        except TaskOptionsError as error:
            sentence = str(error)
        except Exception as error:
            log.exception("%s could not be made a launch", attempt.launch.key)
            sentence = f"The executor could not take this task: {error!r}"
        else:
            return True
        self._post(LaunchFailed(attempt.launch.launch_id, sentence, attempt.round))
        return False

    def _put(self, attempt: Attempt, delay: float = 0.0) -> None:
        left_out = self._queue.put(attempt, delay)
        if left_out is not None and left_out.client_token != attempt.client_token:
            self._sent.pop(left_out.client_token, None)
        elif left_out is attempt:
            self._sent.pop(attempt.client_token, None)

    def _not_stored(self, attempt: Attempt, error: Exception) -> None:
        body = getattr(error, "response", None) or {}
        status = (body.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        found = classify_error(error, status, body)
        if found.kind is LaunchErrorKind.UNKNOWN:
            # Nothing was launched, whatever became of the object: it is written again.
            found = replace(found, kind=LaunchErrorKind.WAIT)
        sentence = f"The workload could not be written to [fargate] payload_bucket: {found.sentence}"
        self._again(attempt, replace(found, sentence=sentence), attempt)

    def _accept(self, attempt: Attempt, change: TaskStateChange) -> None:
        self._sent.pop(attempt.client_token, None)
        self._unwanted.discard(attempt.launch.launch_id)
        log.info("Launched %s as %s", attempt.launch.identity, change.arn)
        since = attempt.deadline - self._builder.config.launch_timeout
        self._metrics.count(metrics.LAUNCHES, capacity=self._builder.capacity(attempt))
        self._metrics.time(metrics.LAUNCH_SECONDS, max(0.0, self._clock() - since))
        self._post(Accepted(attempt.launch.launch_id, change, attempt))

    def _refused(self, attempt: Attempt, sent: _Sent, refusal: LaunchError) -> None:
        following = attempt
        if refusal.kind is LaunchErrorKind.THROTTLED:
            self._queue.slow_down()
            self._metrics.count(metrics.THROTTLES)
        elif refusal.kind is LaunchErrorKind.UNKNOWN:
            sent.unknown_at = self._clock()
        if refusal.answered:
            # AWS started nothing, now or before: the next attempt may differ, so it needs a token of its own.
            self._sent.pop(attempt.client_token, None)
            following = replace(attempt, number=attempt.number + 1)
            if refusal.kind is LaunchErrorKind.CAPACITY:
                self._metrics.count(metrics.CAPACITY_REFUSALS, capacity=self._builder.capacity(attempt))
                following = replace(following, capacity=attempt.capacity + 1)
        self._again(attempt, refusal, following)

    def _again(self, attempt: Attempt, refusal: LaunchError, following: Attempt) -> None:
        """Queue the following attempt, or give up."""
        # Throttling says nothing of this launch: the limiter slows all of them, and this one waits a moment.
        refusals = 1 if refusal.kind is LaunchErrorKind.THROTTLED else attempt.refusals + 1
        following = replace(following, refusals=refusals, why=refusal.sentence)
        delay = self._policy.delay(refusal.kind, refusals, self._clock(), attempt.deadline)
        if refusal.kind in (LaunchErrorKind.UNKNOWN, LaunchErrorKind.WAIT):
            self._metrics.count(metrics.LAUNCH_ERRORS)
        sent = self._sent.get(attempt.client_token)
        is_known = sent is None or sent.unknown_at is None
        if is_known and attempt.launch.launch_id in self._unwanted:
            self._give_up(attempt, _UNWANTED)
        elif delay is not None:
            if refusal.sentence != attempt.why:
                # Once for each cause: it may be asked for a hundred times in a gap of ten minutes.
                log.info("Not launched yet: %s: %s", attempt.launch.identity, refusal.sentence)
            # The rest of the chain is asked at once; only a whole round of refusals is waited out.
            mid_round = following.capacity % len(self._builder.chain(following)) != 0
            self._put(following, 0.0 if refusal.kind is LaunchErrorKind.CAPACITY and mid_round else delay)
        elif sent is not None and sent.unknown_at is not None:
            self._settle(attempt, sent, refusal)
        else:
            waited = (
                ""
                if refusal.kind is LaunchErrorKind.PERMANENT
                else "Gave up after [fargate] launch_timeout: "
            )
            self._give_up(attempt, waited + str(refusal))

    def _settle(self, attempt: Attempt, sent: _Sent, refusal: LaunchError) -> None:
        """Before a launch of unknown outcome is given up: is there a container after all?

        RunTask knows: the same clientToken is answered with its task. When it gives no answer for too long,
        or refuses for good by now, the task is looked for, not before ListTasks must show it.
        """
        now = self._clock()
        if refusal.kind is not LaunchErrorKind.PERMANENT and now < attempt.deadline + _SETTLE_SECONDS:
            self._put(attempt, self._policy.longest)
            return
        sent.given_up = refusal
        self._put(attempt, max(0.0, (sent.unknown_at or now) + _BLIND_SECONDS - now))

    def _search(self, attempt: Attempt, sent: _Sent, refusal: LaunchError) -> None:
        request = sent.request
        try:
            found = ecs.find_by_launch_id(self._clients("ecs"), request["cluster"], request["startedBy"])
        except Exception as error:  # noqa: BLE001  not known is not the same as not there
            if self._clock() < attempt.deadline + 2 * _SETTLE_SECONDS:
                self._put(attempt, self._policy.longest)
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
        self._sent.pop(attempt.client_token, None)
        self._unwanted.discard(attempt.launch.launch_id)
        log.log(
            logging.INFO if sentence == _UNWANTED else logging.ERROR,
            "Not launched: %s: %s",
            attempt.launch.identity,
            sentence,
        )
        self._post(LaunchFailed(attempt.launch.launch_id, sentence, attempt.round))
        if keep_payload:
            return
        try:
            self._preparation.discard(attempt)
        except Exception as error:  # noqa: BLE001  the bucket's lifecycle rule removes it in a day
            log.debug("The payload of %s stays until it expires: %r", attempt.launch.identity, error)
