"""SQS: moto forgets a queue's policy when other attributes are set, and reformats the redrive policy.

AWS changes only the attributes of a SetQueueAttributes request, and returns policies as they were written.
Terraform's second plan compares both.
"""

from __future__ import annotations

import json
from typing import Any

from moto.sqs.models import Queue

_set_attributes = Queue._set_attributes
_attributes = Queue.attributes.fget


def set_attributes(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
    """Set attributes; a policy that the request does not have stays."""
    before = getattr(queue, "policy", None)
    _set_attributes(queue, attributes, now)
    if "Policy" not in attributes and before is not None:
        queue.policy = before


def attributes(queue: Any) -> dict[str, Any]:
    """Return the queue's attributes, with the redrive policy as Terraform writes it."""
    found = dict(_attributes(queue))
    if found.get("RedrivePolicy"):
        found["RedrivePolicy"] = json.dumps(json.loads(found["RedrivePolicy"]), separators=(",", ":"))
    return found


def install() -> None:
    """Replace both in moto."""
    Queue._set_attributes = set_attributes
    Queue.attributes = property(attributes)
