"""From the task plane's events to the targets of EventBridge's rules."""

from __future__ import annotations

import copy
import logging
import uuid
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends
from moto.sqs.models import Message, sqs_backends

from local_cloud.events.patterns import matches
from local_cloud.fast_json import encode

if TYPE_CHECKING:
    from local_cloud.events.courier import Event

log = logging.getLogger("local_cloud")

TRANSFORMS = ("Input", "InputPath", "InputTransformer", "SqsParameters")


def put_event(event: Event) -> None:
    """Hand an event to the rules of the default bus: their patterns and targets decide where it goes.

    Queues are written to directly: on moto's own way an event takes 10 ms and more with every message in the
    queue.
    """
    backend = events_backends[event.account][event.region]
    envelope: dict[str, Any] | None = None
    for rule in list(backend.event_buses["default"].rules.values()):
        if rule.state != "ENABLED":
            continue
        if envelope is None:
            envelope = event.envelope()
        if not matches(rule.event_pattern.get_pattern() or {}, envelope):
            continue
        plain = [target for target in rule.targets if _is_plain_queue(target)]
        for target in plain:
            _send(target, encode(envelope).decode(), event)
        if len(plain) < len(rule.targets):
            # moto's message has further members, and moto writes into it.
            message = {**copy.deepcopy(envelope), "time": event.time, "ingestion-time": event.time}
            others = copy.copy(rule)
            others.targets = [target for target in rule.targets if target not in plain]
            others.send_to_targets(message)


def _is_plain_queue(target: dict[str, Any]) -> bool:
    return ":sqs:" in target["Arn"] and not any(target.get(name) for name in TRANSFORMS)


def _send(target: dict[str, Any], body: str, event: Event) -> None:
    """Put the event on the target's queue, or on its dead-letter queue when that one is gone."""
    for arn in (target["Arn"], (target.get("DeadLetterConfig") or {}).get("Arn")):
        if arn is None:
            continue
        _, _, _, region, account, name = arn.split(":")
        queue = sqs_backends[account][region].queues.get(name)
        if queue is not None:
            message = Message(str(uuid.uuid4()), body)
            message.mark_sent(delay_seconds=int(queue.delay_seconds or 0))
            queue.add_message(message)
            return
    log.warning("an event of %s is lost: %s does not exist", event.subject, target["Arn"])
