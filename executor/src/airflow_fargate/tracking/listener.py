"""Receives ECS task state changes from SQS: the quick way to learn that a task has ended.

The EventBridge rule of the task_events module fills the queue. Delivery is at least once and unordered; the
registry sorts events by version. If an event is lost, the reconciler finds the change.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_fargate import metrics
from airflow_fargate.aws.clients import LONG_POLL_SECONDS, RECEIVE_LIMIT, ClientSource
from airflow_fargate.aws.ecs_task import EcsTask, parse_task
from airflow_fargate.metrics import Metrics
from airflow_fargate.tasks.messages import Message, Seen

log = logging.getLogger(__name__)

SOURCE = "aws.ecs"
DETAIL_TYPE = "ECS Task State Change"

_GATHER_SECONDS = 0.17
"""Pause after a batch that was not full, so that one call receives several events. At ten tasks a second this
makes one SQS call per task, receive and delete together, and delays an event by 0.08 s on average."""
_BUSY_SECONDS = 0.1
"""If batches follow each other within this time, or hold several events, the listener pauses as above; a
single event is not delayed."""
_STEP_ASIDE_SECONDS = 0.1
"""Pause after a batch that held only other schedulers' events, so that they can receive these. After a mixed
batch it is that share of the pause."""
_HAND_BACK_SECONDS = 10.0
"""Age at which another scheduler's event is deleted instead of handed back. Measured by SQS's clock alone: a
machine whose clock is ten seconds ahead would delete every new event of the others."""
_HAND_BACK_TIMES = 18
"""The same limit if an answer has no date: eight times at once, then ten times a second later."""
_STALLED_SECONDS = 1.0
"""How long a thread pauses while it may not act."""

_AT_ONCE = 8
"""How often an event is handed back immediately: with two schedulers, the right one has it by then in 255 of
256 cases. After that it waits. An event that no scheduler tracks yet, as after a scheduler was killed, would
otherwise come back until the queue's redrive policy moves it to the dead-letter queue."""
_LATER_SECONDS = 1


def parse_event(body: str) -> EcsTask:
    """Parse an SQS message body that EventBridge wrote.

    Raises:
        ValueError: it is not an ECS Task State Change event.
    """
    event = json.loads(body)
    if (
        not isinstance(event, Mapping)
        or event.get("detail-type") != DETAIL_TYPE
        or event.get("source") != SOURCE
    ):
        raise ValueError("not an ECS Task State Change event")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise ValueError("an event without detail")  # noqa: TRY004  the message is at fault
    return parse_task(detail)


class Listener:
    """Receives events and posts them to the registry.

    Args:
        clients: returns the SQS client.
        queue_url: the queue.
        tracks: returns whether this scheduler tracks a task; called from the listener's thread.
        is_ours: returns whether any scheduler of this deployment launched a task.
        now: seconds since the epoch.
        post: takes a message for the registry.
        may_act: returns whether this scheduler's loop still runs
            (:class:`~airflow_fargate.fleet.lease.Lease`).
        measured: collects metrics; they are discarded by default.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its parts, each of which a test replaces
        self,
        clients: ClientSource,
        queue_url: str,
        tracks: Callable[[EcsTask], bool],
        is_ours: Callable[[EcsTask], bool],
        now: Callable[[], float],
        post: Callable[[Message], None],
        may_act: Callable[[], bool] = lambda: True,
        measured: Metrics | None = None,
    ) -> None:
        self._metrics = measured or Metrics()
        self._clients = clients
        self._queue_url = queue_url
        self._tracks = tracks
        self._is_ours = is_ours
        self._now = now
        self._post = post
        self._may_act = may_act
        self._batch_at = float("-inf")

    def receive(self) -> float:
        """Receive one batch; return the seconds to wait before the next.

        A scheduler whose loop stalls receives nothing, because another one may have adopted its tasks.

        Raises:
            Exception: what boto3 raises. No event is lost.
        """
        if not self._may_act():
            return _STALLED_SECONDS
        sqs = self._clients("sqs")
        answer = sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=RECEIVE_LIMIT,
            WaitTimeSeconds=LONG_POLL_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
        )
        messages = answer.get("Messages") or []
        now = _date(answer)
        done: list[Any] = []
        hand_back: list[Any] = []
        if messages and not self._may_act():
            # The loop stalled while the call waited for messages.
            self._hand_back(sqs, messages)
            return _STALLED_SECONDS
        for message in messages:
            if (verdict := self._handle(message, now)) is None:
                continue
            (done if verdict else hand_back).append(message)
        if hand_back:
            # First, because another scheduler waits for them; ours are already posted.
            self._hand_back(sqs, hand_back)
        if done:
            self._delete(sqs, done)
        return self._pause(len(messages), len(hand_back))

    def _pause(self, received: int, handed_back: int) -> float:
        """Return the seconds to wait before the next batch."""
        if not received:
            return 0.0
        now, before = self._now(), self._batch_at
        self._batch_at = now
        if received == RECEIVE_LIMIT:
            return 0.0
        busy = received > 1 or 0 <= now - before < _BUSY_SECONDS
        gather = _GATHER_SECONDS if busy else 0.0
        theirs = handed_back / received
        return theirs * _STEP_ASIDE_SECONDS + (1 - theirs) * gather

    def _handle(self, message: Mapping[str, Any], now: float | None) -> bool | None:
        """Return True to delete the message, False to hand it back, None to leave it in the queue.

        ``now`` is the time by SQS's clock, as ``SentTimestamp`` is; None if unknown.
        """
        try:
            ecs_task = parse_event(message.get("Body") or "")
        except (ValueError, RecursionError) as error:
            # Not deleted: it comes back up to a hundred times, until the queue's redrive policy moves it to
            # the dead-letter queue. Logged once.
            if _received(message) <= 1:
                self._metrics.count(metrics.POISON)
                log.warning("Ignored message %s, which is no task event: %s", message.get("MessageId"), error)
            return None
        age = now - _sent(message) if now is not None else None
        if self._tracks(ecs_task):
            self._metrics.count(metrics.EVENTS)
            if age is not None:
                self._metrics.time(metrics.EVENT_LAG_SECONDS, max(0.0, age))
            self._post(Seen(ecs_task))
            return True
        too_old = age > _HAND_BACK_SECONDS if age is not None else _received(message) > _HAND_BACK_TIMES
        return not self._is_ours(ecs_task) or too_old

    def _delete(self, sqs: Any, messages: list[Mapping[str, Any]]) -> None:
        answer = sqs.delete_message_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )
        # They arrive again, and their version shows that they were applied.
        for failed in answer.get("Failed") or ():
            log.debug("An event was not deleted: %s", failed)

    def _hand_back(self, sqs: Any, messages: Sequence[Mapping[str, Any]]) -> None:
        """Make messages visible again for the scheduler that tracks their tasks."""
        sqs.change_message_visibility_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": message["ReceiptHandle"],
                    "VisibilityTimeout": 0 if _received(message) <= _AT_ONCE else _LATER_SECONDS,
                }
                for number, message in enumerate(messages)
            ],
        )


def _received(message: Mapping[str, Any]) -> int:
    return int((message.get("Attributes") or {}).get("ApproximateReceiveCount") or 1)


def _sent(message: Mapping[str, Any]) -> float:
    """Return when SQS received the message, in seconds since the epoch by SQS's clock."""
    return float((message.get("Attributes") or {}).get("SentTimestamp") or 0) / 1000


def _date(answer: Mapping[str, Any]) -> float | None:
    """Return when SQS answered, in seconds since the epoch by its clock; None if unknown."""
    headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None
