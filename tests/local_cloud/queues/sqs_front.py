"""SQS's busy calls, answered here on moto's own queues: receive, delete, change visibility.

moto would hold one of its threads for every long poll, looks at each message for every other one, and can
lose a message that arrives while it deletes another. Queues themselves, their attributes, sending: all that
stays moto's, and so do FIFO queues and message attributes.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from moto.sqs.models import sqs_backends

from local_cloud.fast_json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_cloud.server.wsgi_bridge import WsgiBridge

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

TARGET = b"AmazonSQS."
JSON_1_0 = (b"content-type", b"application/x-amz-json-1.0")
# Messages become visible again by time alone, which nobody tells us of.
LOOK_AGAIN = 0.1
MAX_WAIT = 20
MAX_BATCH = 10
MAX_VISIBILITY = 43_200


class SqsError(Exception):
    """An error as SQS answers it: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SqsFront:
    """Answers the busy calls, hands the others to moto. Only `notify` may be called from other threads."""

    def __init__(self, moto: WsgiBridge, account: str) -> None:
        self._moto = moto
        self._account = account
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._delivered: dict[str, Any] = {}

    def notify(self) -> None:
        """Something may have arrived; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    async def call(
        self, target: bytes, scope: dict[str, Any], body: bytes, region: str, receive: Receive
    ) -> Reply | None:
        """The answer to a JSON call of SQS; None when the caller went away while it waited."""
        operation = target[len(TARGET) :].decode()
        act = {
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._change,
            "ChangeMessageVisibilityBatch": self._change_batch,
        }.get(operation)
        parameters = _parameters(body) if act is not None else {}
        queue = self._queue(parameters, region)
        if act is None or queue is None or queue.fifo_queue or parameters.get("MessageAttributeNames"):
            reply = await self._moto.call(scope, body)
            self._wake()
            return reply
        try:
            if act == self._receive:
                document = await self._receive_within(queue, parameters, receive)
                if document is None:
                    return None
            else:
                document = act(queue, parameters)
        except SqsError as error:
            return (
                400,
                [JSON_1_0],
                encode({"__type": f"com.amazonaws.sqs#{error.code}", "message": str(error)}),
            )
        return 200, [JSON_1_0], encode(document)

    def _queue(self, parameters: dict[str, Any], region: str) -> Any:
        name = str(parameters.get("QueueUrl") or "").rsplit("/", 1)[-1]
        return sqs_backends[self._account][region].queues.get(name)

    # Receiving

    async def _receive_within(
        self, queue: Any, parameters: dict[str, Any], receive: Receive
    ) -> dict[str, Any] | None:
        wait = int(parameters.get("WaitTimeSeconds", queue.receive_message_wait_time_seconds or 0))
        if not 0 <= wait <= MAX_WAIT:
            raise SqsError("InvalidParameterValue", f"WaitTimeSeconds is 0 to {MAX_WAIT}, not {wait}.")
        document = self._receive(queue, parameters)
        deadline = time.monotonic() + wait
        if document or not wait:
            return document
        gone = asyncio.ensure_future(receive())
        try:
            while not document and (left := deadline - time.monotonic()) > 0:
                await self._sleep(min(left, LOOK_AGAIN), gone)
                if gone.done():
                    # A message received for nobody would stay hidden for its whole visibility timeout.
                    return None
                document = self._receive(queue, parameters)
        finally:
            gone.cancel()
        return document

    async def _sleep(self, seconds: float, gone: asyncio.Future[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        arrived = self._loop.create_future()
        self._waiting.add(arrived)
        try:
            await asyncio.wait((arrived, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(arrived)

    def _wake(self) -> None:
        for arrived in self._waiting:
            if not arrived.done():
                arrived.set_result(None)

    def _receive(self, queue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        limit = int(parameters.get("MaxNumberOfMessages", 1))
        if not 1 <= limit <= MAX_BATCH:
            raise SqsError("InvalidParameterValue", f"MaxNumberOfMessages is 1 to {MAX_BATCH}, not {limit}.")
        hidden = int(parameters.get("VisibilityTimeout", queue.visibility_timeout))
        names = [*parameters.get("AttributeNames", []), *parameters.get("MessageSystemAttributeNames", [])]
        found: list[dict[str, Any]] = []
        with queue._messages_lock:
            now = time.time() * 1000
            for message in list(queue._messages):
                if message.visible_at > now or message.delayed_until > now:
                    continue
                if self._is_dead(queue, message):
                    queue._messages.remove(message)
                    queue.dead_letter_queue.add_message(message)
                    self._forget(message)
                    continue
                message.mark_received(visibility_timeout=hidden)
                queue.pending_messages.add(message)
                self._delivered[message.receipt_handle] = message
                found.append(_written(message, names))
                if len(found) == limit:
                    break
        return {"Messages": found} if found else {}

    @staticmethod
    def _is_dead(queue: Any, message: Any) -> bool:
        if queue.dead_letter_queue is None or not queue.redrive_policy:
            return False
        return bool(message.approximate_receive_count >= queue.redrive_policy["maxReceiveCount"])

    # Deleting and hiding

    def _delete(self, queue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        handle = parameters.get("ReceiptHandle", "")
        message = self._find(queue, handle)
        if message is not None:
            with queue._messages_lock:
                queue._messages = [other for other in queue._messages if other is not message]
                queue.pending_messages.discard(message)
                queue.deleted_messages.update(message.all_receipt_handles)
            self._forget(message)
        return {}

    def _forget(self, message: Any) -> None:
        for handle in message.all_receipt_handles:
            self._delivered.pop(handle, None)

    def _change(self, queue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        seconds = int(parameters.get("VisibilityTimeout", -1))
        if not 0 <= seconds <= MAX_VISIBILITY:
            raise SqsError(
                "InvalidParameterValue", f"VisibilityTimeout is 0 to {MAX_VISIBILITY}, not {seconds}."
            )
        message = self._find(queue, parameters.get("ReceiptHandle", ""))
        if message is not None:
            message.visible_at = time.time() * 1000 + seconds * 1000
            if seconds == 0:
                queue.pending_messages.discard(message)
                self._wake()
        return {}

    def _delete_batch(self, queue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._each(queue, parameters, self._delete)

    def _change_batch(self, queue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._each(queue, parameters, self._change)

    @staticmethod
    def _each(
        queue: Any, parameters: dict[str, Any], act: Callable[[Any, dict[str, Any]], Any]
    ) -> dict[str, Any]:
        entries = parameters.get("Entries") or []
        if not 1 <= len(entries) <= MAX_BATCH:
            raise SqsError(
                "InvalidParameterValue", f"A batch has 1 to {MAX_BATCH} entries, not {len(entries)}."
            )
        if len({entry.get("Id") for entry in entries}) < len(entries):
            raise SqsError("BatchEntryIdsNotDistinct", "Two entries of the batch have the same Id.")
        done, failed = [], []
        for entry in entries:
            try:
                act(queue, entry)
                done.append({"Id": entry["Id"]})
            except SqsError as error:
                failed.append(
                    {"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": str(error)}
                )
        return {"Successful": done, **({"Failed": failed} if failed else {})}

    def _find(self, queue: Any, handle: str) -> Any:
        """The message of a receipt handle, None when it is deleted already; raises for a strange one."""
        message = self._delivered.get(handle)
        if message is not None and message in queue.pending_messages:
            return message
        for other in queue._messages:
            if other.had_receipt_handle(handle):
                return other
        if handle in queue.deleted_messages:
            return None
        raise SqsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        found = decode(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _written(message: Any, names: list[str]) -> dict[str, Any]:
    attributes = {
        "SenderId": message.sender_id,
        "SentTimestamp": str(int(message.sent_timestamp)),
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "ApproximateFirstReceiveTimestamp": str(int(message.approximate_first_receive_timestamp)),
    }
    wanted = {name: value for name, value in attributes.items() if name in names or "All" in names}
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.body_md5,
        "Body": message.body,
        **({"Attributes": wanted} if wanted else {}),
    }
