"""ECS task state changes from SQS: the quick way to learn that a task has ended.

The queue gets what the EventBridge rule of the task_events module lets through. Delivery is at least once and
unordered: the registry sorts that out by version. What an event misses, the reconciler finds.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
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
"""Pause between batches that were not full. Events gather meanwhile, ten to a call: at ten tasks a second
this is one SQS call for each task, receiving and deleting together, and costs an event 0.08 s on average."""
_BUSY_SECONDS = 0.1
"""Events that follow each other faster, or come together, are worth gathering; one by itself is not kept
waiting."""
_STEP_ASIDE_SECONDS = 0.1
"""Pause after a batch of nothing but other schedulers' events, in which they can take these. After a batch
that was theirs in part it is that part of the pause."""
_HAND_BACK_SECONDS = 10.0
"""How old an event of another scheduler's task may be before it is dropped rather than handed back. By SQS's
clock alone: with a machine's own, ten seconds ahead, every fresh event of the others would be dropped."""
_HAND_BACK_TIMES = 18
"""The same where an answer has no date: eight times at once, and ten times a second later."""
_STALLED_SECONDS = 1.0
"""Pause of a thread that may not act."""

_AT_ONCE = 8
"""How often an event is handed back at once: one of two schedulers has it by then in 255 cases of 256. After
that it waits: an event that nobody owns yet, as after a scheduler was killed, would else come round until the
queue's redrive policy takes it for poison."""
_LATER_SECONDS = 1


def parse_event(body: str) -> EcsTask:
    """Parse an SQS message body that EventBridge wrote.

    Raises:
        ValueError: it is no ECS Task State Change.
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
    """Receives, parses, posts, deletes.

    Args:
        clients: where the SQS client comes from.
        queue_url: the queue.
        owns: says whether a change is about a task of ours; called from the listener's thread.
        is_ours: says whether a change is about a task of our deployment, of whichever scheduler.
        now: seconds since the epoch.
        post: takes a message for the registry.
        may_act: says whether this scheduler's loop still runs (:class:`~airflow_fargate.fleet.lease.Lease`).
        measured: what is measured; nobody sees it when left out.
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
        self._owns = tracks
        self._is_ours = is_ours
        self._now = now
        self._post = post
        self._may_act = may_act
        self._batch_at = float("-inf")

    def receive(self) -> float:
        """Receive one batch; return the seconds to wait before the next.

        A scheduler whose loop stalls takes nothing: its tasks may be another one's by now.

        Raises:
            Exception: what boto3 raises; nothing is lost by it.
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
            # First, since somebody waits for them; what is ours has been taken in already.
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
        """Return True when done with it, False when it is another scheduler's, None to leave it there.

        ``now`` is the time by SQS's own clock, which ``SentTimestamp`` is of, too; None when it is not known.
        """
        try:
            ecs_task = parse_event(message.get("Body") or "")
        except (ValueError, RecursionError) as error:
            # Not deleted: it comes back until the queue's redrive policy puts it into the dead-letter queue,
            # a hundred times, and is spoken of once.
            if _received(message) <= 1:
                self._metrics.count(metrics.POISON)
                log.warning("A message that is no task event (%s): %s", message.get("MessageId"), error)
            return None
        age = now - _sent(message) if now is not None else None
        if self._owns(ecs_task):
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
        # They come again, and are known by their version.
        for failed in answer.get("Failed") or ():
            log.debug("An event was not deleted: %s", failed)

    def _hand_back(self, sqs: Any, messages: list[Mapping[str, Any]]) -> None:
        """Make them visible again for the scheduler that they are for."""
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
    """Return when SQS got the message, in seconds since the epoch by SQS's clock."""
    return float((message.get("Attributes") or {}).get("SentTimestamp") or 0) / 1000


def _date(answer: Mapping[str, Any]) -> float | None:
    """Return the time at which SQS answered, in seconds since the epoch by its clock; None without one."""
    headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None
