"""How many standbys a queue has, and when: ``[fargate] standby``, parsed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MOST = 1000
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_KEYS = {"min", "max", "windows"}
_WINDOW_KEYS = {"hours", "days", "min", "timezone"}


@dataclass(frozen=True)
class Window:
    """A time of the week with a floor of its own.

    Args:
        start: minutes since midnight.
        end: the same; a window that ends before it starts goes on past midnight.
        days: of its start, 0 is Monday.
        floor: how many standbys.
        zone: whose clock.
    """

    start: int
    end: int
    days: frozenset[int]
    floor: int
    zone: ZoneInfo | timezone

    def is_open(self, now: float) -> bool:
        """Return whether a moment (seconds since the epoch) is in it."""
        local = datetime.fromtimestamp(now, tz=self.zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        yesterday = (day - 1) % 7
        return (day in self.days and minute >= self.start) or (yesterday in self.days and minute < self.end)


@dataclass(frozen=True)
class Plan:
    """One queue's standbys: a floor, more in windows, and never more than ``most``."""

    floor: int
    most: int
    windows: tuple[Window, ...] = ()

    def target(self, now: float) -> int:
        """Return how many there should be at a moment (seconds since the epoch)."""
        wanted = [self.floor, *(each.floor for each in self.windows if each.is_open(now))]
        return min(self.most, max(wanted))


def parse_plans(standby: Mapping[str, Any]) -> dict[str, Plan]:
    """Return queue -> plan.

    Raises:
        ValueError: the sentence says which queue and what is wrong.
    """
    return {queue: _plan(queue, value) for queue, value in standby.items()}


def _plan(queue: str, value: Any) -> Plan:
    if not isinstance(value, Mapping):
        raise ValueError(  # noqa: TRY004  a text that has no such value
            f'{queue!r} must be a JSON object such as {{"min": 2}}, got {value!r}.'
        )
    _known(f"{queue!r}", value, _KEYS)
    floor = _count(queue, "min", value.get("min", 0))
    given = value.get("windows") or []
    if not isinstance(given, (list, tuple)):
        raise ValueError(f"{queue!r}: windows must be a list, got {given!r}.")  # noqa: TRY004  the same
    windows = tuple(_window(queue, each) for each in given)
    highest = max([floor, *(each.floor for each in windows)])
    most = _count(queue, "max", value["max"]) if "max" in value else highest
    if most < highest:
        raise ValueError(f"{queue!r}: max {most} is below min {highest}. Raise max.")
    return Plan(floor, most, windows)


def _window(queue: str, value: Any) -> Window:
    if not isinstance(value, Mapping):
        raise ValueError(f"{queue!r}: a window must be a JSON object, got {value!r}.")  # noqa: TRY004  the same
    _known(f"{queue!r}: a window", value, _WINDOW_KEYS)
    hours = str(value.get("hours") or "00:00-24:00")
    found = _HOURS.fullmatch(hours)
    minutes = [int(each) for each in found.groups()] if found else []
    start, end = (minutes[0] * 60 + minutes[1], minutes[2] * 60 + minutes[3]) if minutes else (0, 0)
    if start == end or end > 24 * 60:
        raise ValueError(f"{queue!r}: hours must be like 06:00-08:30, got {hours!r}.")
    zone = str(value.get("timezone") or "UTC")
    try:
        whose = timezone.utc if zone == "UTC" else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            f"{queue!r}: timezone {zone!r} is not known; use a name such as Europe/Berlin."
        ) from None
    return Window(start, end, _days(queue, value.get("days")), _count(queue, "min", value.get("min")), whose)


def _days(queue: str, value: Any) -> frozenset[int]:
    if value is None:
        return frozenset(range(7))
    found: set[int] = set()
    try:
        for part in str(value).lower().split(","):
            first, _, last = (each.strip() for each in part.partition("-"))
            begin, end = _DAYS.index(first), _DAYS.index(last or first)
            found |= {(begin + number) % 7 for number in range((end - begin) % 7 + 1)}
    except ValueError:
        raise ValueError(f"{queue!r}: days must be like mon-fri or sat,sun, got {value!r}.") from None
    return frozenset(found)


def _known(where: str, value: Mapping[str, Any], keys: set[str]) -> None:
    if unknown := sorted(set(value) - keys):
        raise ValueError(f"{where}: {unknown[0]!r} is not known. Allowed: {', '.join(sorted(keys))}.")


def _count(queue: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise ValueError(f"{queue!r}: {name} must be an integer from 0 to {MOST}, got {value!r}.")
    return value
