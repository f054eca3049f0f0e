"""The smoke's standby containers: two for the queue ``urgent``, and the checks of what became of them.

The queue's tasks have a size of their own, because a standby runs any task whose request equals its own. So
it is known which tasks find a standby: those of the queue, except one with an environment of its own.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from smoke.checks import Finding, name_of
from smoke.evidence import parse_containers, parse_time
from smoke.expectations import DISTURBED, MISSES_A_STANDBY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from smoke.evidence import Evidence

QUEUE, NUMBER = "urgent", 2
QUEUES: dict[str, Any] = {QUEUE: {"min": NUMBER, "max": None, "windows": []}}
"""Terraform's input ``standby``."""
PROFILES = {QUEUE: {"memory": 3072}}
CLAIM_TIMEOUT = 30
"""Seconds; the default of 5 is short on two cores that start twenty containers."""
OFFERED_AFTER = timedelta(seconds=22)
"""A standby that has run for so long is offered tasks: the executor lists standbys every 15 to 20 seconds,
and offers nothing to one that has run for less than 15."""
LAUNCHED_WITHIN = timedelta(seconds=5)
NOT_USED = 79


def terraform_override() -> str:
    """Return an override file that sets the input ``standby`` of the example's module."""
    return json.dumps({"module": {"airflow": {"standby": QUEUES}}}, indent=2)


def idle(tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the standbys without a task that run or start, of ECS tasks as the local cloud shows them."""
    found = [(task, one) for task in tasks for one in parse_containers([task], {})]
    return [task for task, one in found if one.is_idle_standby and one.last_status != "STOPPED"]


def running(tasks: Iterable[dict[str, Any]], now: datetime, age: timedelta) -> int:
    """Return how many idle standbys have run for so long."""
    started = [parse_time(task.get("startedAt")) for task in idle(tasks)]
    return sum(at is not None and now - at >= age for at in started)


def _ran_where_expected(evidence: Evidence) -> Iterator[str]:
    expected = {key: one.standby for key, _, one in evidence.expected.tries()}
    for container in evidence.containers:
        if container.standby != expected.get(container.key, False):
            found = "on a standby" if container.standby else "in a container started for it"
            yield f"{name_of(container.key)} ran {found} ({container.arn})"


def _missed_without_delay(evidence: Evidence) -> Iterator[str]:
    key = (DISTURBED, MISSES_A_STANDBY, -1, 1)
    queued = next((one.queued for one in evidence.tries if one.key == key), None)
    created = next((one.created for one in evidence.containers if one.key == key), None)
    if queued is None or created is None:
        yield f"{name_of(key)} has no container, or no time"
    elif created - queued > LAUNCHED_WITHIN:
        waited = (created - queued).total_seconds()
        yield f"{name_of(key)} waited {waited:.1f} s for RunTask after it was queued"


def _replaced(evidence: Evidence) -> Iterator[str]:
    states = [one.last_status for one in evidence.idle]
    if states != ["RUNNING"] * NUMBER:
        found = ", ".join(states) or "none"
        yield f"at the end, the standbys without a task are {found}, not {NUMBER} RUNNING"
    after = evidence.scheduler_killed
    new = [one for one in (*evidence.containers, *evidence.idle) if one.standby]
    if after is None or not any(one.created is not None and one.created > after for one in new):
        yield "the scheduler that replaced the killed one has started no standby"


def _exit_unused(evidence: Evidence) -> Iterator[str]:
    if len(evidence.ended) != NUMBER:
        yield f"{len(evidence.ended)} idle standbys were stopped, not {NUMBER}"
    for one in evidence.ended:
        if (one.last_status, one.exit_code) != ("STOPPED", NOT_USED):
            yield f"standby {one.arn} is {one.last_status} with exit code {one.exit_code}, not {NOT_USED}"


def _none(evidence: Evidence) -> Iterator[str]:
    for one in (*evidence.containers, *evidence.idle):
        if one.standby:
            yield f"{one.arn} is a standby"


WITHOUT = ("standbys are off, because they need Airflow 3.2.2 or later", _none)
CHECKS: tuple[tuple[str, Callable[[Evidence], Iterator[str]]], ...] = (
    ("each task that a standby can run ran on one, and no other task did", _ran_where_expected),
    ("a task that no standby can run was launched at once", _missed_without_delay),
    ("standbys that took a task were replaced, also by the new scheduler", _replaced),
    (f"standbys without a task exit with {NOT_USED} when they are stopped", _exit_unused),
)


def run_checks(evidence: Evidence) -> list[Finding]:
    """Run the checks for which there is evidence."""
    if not evidence.has_standbys:
        return [Finding(WITHOUT[0], tuple(WITHOUT[1](evidence)))]
    skipped = {_exit_unused} if evidence.inventory is None else set()
    return [Finding(name, tuple(check(evidence))) for name, check in CHECKS if check not in skipped]


def start_lines(evidence: Evidence) -> list[str]:
    """Return the seconds from queued to the first line, for tasks that print one at once."""
    containers = {one.key: one for one in evidence.containers}
    lines = []
    for one in evidence.tries:
        container = containers.get(one.key)
        if container is not None and container.first_line is not None and one.queued is not None:
            seconds = (container.first_line - one.queued).total_seconds()
            where = "standby" if container.standby else "new"
            lines.append((container.standby, f"  {seconds:5.1f} s  {where:7}  {name_of(one.key)}"))
    return [line for _, line in sorted(lines, key=lambda each: not each[0])]
