"""EventBridge's patterns: moto's do not look into arrays of objects, as `detail.containers`."""

from __future__ import annotations

import json
from typing import Any

from moto.events.models import EventPattern

from local_cloud.events.patterns import matches


def matches_event(pattern: Any, event: Any) -> bool:
    """Whether the event matches; a rule without a pattern takes every event."""
    found = pattern.get_pattern()
    return not found or matches(found, json.loads(json.dumps(event)))


def install() -> None:
    """Put this in place of moto's; once per process."""
    EventPattern.matches_event = matches_event
