"""An SQS client fed by the task plane's events, on the plane's clock; it never waits."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.ecs.plane import TaskPlane
    from local_cloud.events.task_events import TaskEvent

MAX_BATCH = 10


@dataclass
class _Message:
    message_id: str
    body: str
    sent: float
    visible_at: float
    receipt: str = ""
    received: int = 0
    first_received: float | None = None


class QueueClient:
    """One queue as boto3's SQS client shows it: receive, delete, change visibility, in batches or one by one.

    Every task event becomes a message. WaitTimeSeconds does not wait: an empty queue answers at once, as time
    moves only when the test says so. visibility_timeout: seconds a received message stays hidden.
    max_receive_count: after so many receives a message moves to `dead_letters`. wanted: which events the rule
    lets through. Before `deaf_until` no event arrives, as while there is no queue.
    """

    def __init__(
        self,
        plane: TaskPlane,
        *,
        visibility_timeout: float = 30.0,
        max_receive_count: int | None = None,
        wanted: Callable[[TaskEvent], bool] | None = None,
    ) -> None:
        self._clock = plane.clock
        self._visibility = visibility_timeout
        self._max_receive = max_receive_count
        self._wanted = wanted
        self._messages: dict[str, _Message] = {}
        self._numbers = itertools.count(1)
        self.dead_letters: list[str] = []
        self.deaf_until = float("-inf")
        plane.subscribe(self._on_event)

    def put(self, body: str) -> None:
        """Send a message, for instance one that nobody can parse."""
        number, now = next(self._numbers), self._clock.now()
        message_id = f"00000000-0000-4000-8000-{number:012d}"
        self._messages[message_id] = _Message(message_id, body, now, now)

    def purge(self) -> None:
        """Delete every message."""
        self._messages.clear()

    def __len__(self) -> int:
        """Messages not deleted yet, hidden ones included."""
        return len(self._messages)

    def receive_message(self, **parameters: Any) -> dict[str, Any]:
        """See boto3; `Messages` is missing when there are none, as with AWS."""
        limit = parameters.get("MaxNumberOfMessages", 1)
        if not 1 <= limit <= MAX_BATCH:
            raise self._refused("ReceiveMessage", "InvalidParameterValue", "MaxNumberOfMessages is 1 to 10.")
        now = self._clock.now()
        hidden = parameters.get("VisibilityTimeout", self._visibility)
        messages: list[dict[str, Any]] = []
        for message in list(self._messages.values()):
            if len(messages) == limit:
                break
            if message.visible_at > now:
                continue
            if self._max_receive is not None and message.received >= self._max_receive:
                self.dead_letters.append(message.body)
                del self._messages[message.message_id]
                continue
            messages.append(self._receive(message, now, hidden))
        return self._answer({"Messages": messages} if messages else {})

    def delete_message_batch(self, **parameters: Any) -> dict[str, Any]:
        """See boto3."""
        return self._batch(parameters["Entries"], lambda message, _: self._delete(message))

    def delete_message(self, **parameters: Any) -> dict[str, Any]:
        """See boto3; an unknown receipt handle is harmless."""
        message = self._find(parameters["ReceiptHandle"])
        if message is not None:
            self._delete(message)
        return self._answer({})

    def change_message_visibility(self, **parameters: Any) -> dict[str, Any]:
        """See boto3."""
        message = self._find(parameters["ReceiptHandle"])
        if message is None:
            raise self._refused(
                "ChangeMessageVisibility", "ReceiptHandleIsInvalid", "No such receipt handle."
            )
        message.visible_at = self._clock.now() + parameters["VisibilityTimeout"]
        return self._answer({})

    def change_message_visibility_batch(self, **parameters: Any) -> dict[str, Any]:
        """See boto3."""

        def change(message: _Message, entry: dict[str, Any]) -> None:
            message.visible_at = self._clock.now() + entry["VisibilityTimeout"]

        return self._batch(parameters["Entries"], change)

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        """See boto3: how many messages are visible, and how many are in flight."""
        now = self._clock.now()
        visible = sum(message.visible_at <= now for message in self._messages.values())
        attributes = {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(len(self._messages) - visible),
            "VisibilityTimeout": str(int(self._visibility)),
        }
        return self._answer({"Attributes": attributes})

    def _on_event(self, event: TaskEvent) -> None:
        if self._clock.now() < self.deaf_until:
            return
        if self._wanted is None or self._wanted(event):
            self.put(json.dumps(event.envelope()))

    def _receive(self, message: _Message, now: float, hidden: float) -> dict[str, Any]:
        message.received += 1
        message.first_received = message.first_received or now
        message.visible_at = now + hidden
        message.receipt = f"{message.message_id}#{message.received}"
        return {
            "MessageId": message.message_id,
            "ReceiptHandle": message.receipt,
            "MD5OfBody": hashlib.md5(message.body.encode()).hexdigest(),  # noqa: S324 - SQS's own checksum
            "Body": message.body,
            "Attributes": {
                "ApproximateReceiveCount": str(message.received),
                "SentTimestamp": str(int(message.sent * 1000)),
                "ApproximateFirstReceiveTimestamp": str(int(message.first_received * 1000)),
            },
        }

    def _find(self, receipt: str) -> _Message | None:
        return self._messages.get(receipt.partition("#")[0])

    def _delete(self, message: _Message) -> None:
        self._messages.pop(message.message_id, None)

    def _batch(
        self, entries: list[dict[str, Any]], act: Callable[[_Message, dict[str, Any]], None]
    ) -> dict[str, Any]:
        done, failed = [], []
        for entry in entries:
            if (
                "#" not in entry["ReceiptHandle"]
            ):  # not one of ours; of a deleted message it would be harmless
                failed.append(
                    {"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": "?"}
                )
                continue
            message = self._find(entry["ReceiptHandle"])
            if message is not None:
                act(message, entry)
            done.append({"Id": entry["Id"]})
        return self._answer({"Successful": done, **({"Failed": failed} if failed else {})})

    def _answer(self, document: dict[str, Any]) -> dict[str, Any]:
        # AWS's servers date every answer; whole seconds, as HTTP has them.
        headers = {"date": formatdate(self._clock.now(), usegmt=True)}
        metadata = {"HTTPStatusCode": 200, "HTTPHeaders": headers, "RetryAttempts": 0}
        return {**document, "ResponseMetadata": metadata}

    @staticmethod
    def _refused(operation: str, code: str, message: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": message}}, operation)
