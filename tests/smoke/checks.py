"""The smoke's checks: each has a name and returns sentences about what is wrong. They change nothing."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke.expectations import DISTURBED, LEFT_TO_THE_NEXT, TASK_KILLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smoke.evidence import Container, Evidence
    from smoke.expectations import Key

TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")
"""A signed JSON web token: three base64url parts, of which the first is an object."""
COMPRESSED = re.compile(r"zlib:([A-Za-z0-9_=-]{20,})")


RETRY_DELAY = 300.0
"""Airflow's default retry delay in seconds."""
SECOND_PLAN = "a second plan shows no changes except the local cloud's known differences"


@dataclass(frozen=True)
class Finding:
    """One check's result: ``wrong`` is empty if it passed."""

    name: str
    wrong: tuple[str, ...]


def name_of(key: Sequence[object]) -> str:
    """Return a task instance's name for people: dag.task[map] try n."""
    dag_id, task_id, map_index = key[:3]
    mapped = f"[{map_index}]" if isinstance(map_index, int) and map_index >= 0 else ""
    number = f" try {key[3]}" if len(key) > 3 else ""
    return f"{dag_id}.{task_id}{mapped}{number}"


def _runs_ended_as_expected(evidence: Evidence) -> Iterator[str]:
    for dag_id, expected in evidence.expected.run_states.items():
        found = evidence.run_states.get(dag_id, "no run")
        if found != expected:
            yield f"the run of {dag_id} is {found}, not {expected}"


def _states_and_tries(evidence: Evidence) -> Iterator[str]:
    expected_keys = {(task.dag_id, task.task_id, task.map_index) for task in evidence.expected.tasks}
    for key in sorted(set(evidence.final_states) - expected_keys):
        yield f"{name_of(key)} is not expected"
    for task in evidence.expected.tasks:
        key = (task.dag_id, task.task_id, task.map_index)
        found = evidence.final_states.get(key, "missing")
        if found != task.state:
            yield f"{name_of(key)} is {found}, not {task.state}"
        ran = {one.key[3]: one.state for one in evidence.tries if one.key[:3] == key and one.key[3] > 0}
        wanted = {number: expected.state for number, expected in enumerate(task.tries, 1)}
        if task.tries and ran != wanted:
            yield f"{name_of(key)} has tries {ran}, not {wanted}"


def _containers(evidence: Evidence) -> dict[Key, list[Container]]:
    found: dict[Key, list[Container]] = {}
    for container in evidence.containers:
        found.setdefault(container.key, []).append(container)
    return found


def _one_container_per_try(evidence: Evidence) -> Iterator[str]:
    found = Counter(container.key for container in evidence.containers)
    wanted = Counter({key: len(expected.exit_codes) for key, _, expected in evidence.expected.tries()})
    for key in sorted(set(found) | set(wanted)):
        if found[key] != wanted[key]:
            yield f"{name_of(key)} had {found[key]} containers, not {wanted[key]}"


def _exit_and_stop_codes(evidence: Evidence) -> Iterator[str]:
    found = _containers(evidence)
    for key, task, expected in evidence.expected.tries():
        # If Airflow queues the next try, or fails this one, before the container has exited, the executor
        # stops that container.
        failed_by_airflow = evidence.fails_killed_tasks_itself and expected.exit_code == TASK_KILLED
        may_be_stopped = key[3] < len(task.tries) or failed_by_airflow
        codes = [container.exit_code for container in found.get(key, [])]
        if sorted(codes, key=str) != sorted(expected.exit_codes, key=str):
            yield f"{name_of(key)}: exit codes {codes}, not {expected.exit_codes}"
        for container in found.get(key, []):
            if container.last_status != "STOPPED":
                yield f"{name_of(key)}: its container is {container.last_status}, not STOPPED"
            stopped = may_be_stopped and container.stop_code == "UserInitiated"
            if container.stop_code != expected.stop_code and not stopped:
                yield f"{name_of(key)}: stop code {container.stop_code!r}, not {expected.stop_code}"


def _failures_explained(evidence: Evidence) -> Iterator[str]:
    for key, _, expected in evidence.expected.tries():
        entries = evidence.event_log.get(key, ())
        if expected.event_log and not any(
            all(text in entry for text in expected.event_log) for entry in entries
        ):
            wanted = " and ".join(repr(text) for text in expected.event_log)
            yield f"{name_of(key)}: no event log entry contains {wanted}: {list(entries)}"


def _scheduler_replaced(evidence: Evidence) -> Iterator[str]:
    for one in evidence.handovers:
        if not one.taken_over and not one.ended:
            yield f"{one.name} ran when the scheduler was killed, and the new one did not adopt it"
    for name in LEFT_TO_THE_NEXT:
        if not any(one.taken_over and one.name == f"{DISTURBED}.{name}" for one in evidence.handovers):
            yield f"{DISTURBED}.{name} was not adopted by a new scheduler"


def _cleared_again_at_once(evidence: Evidence) -> Iterator[str]:
    first, second = (
        next((one for one in evidence.tries if one.key == (DISTURBED, "cleared", -1, number)), None)
        for number in (1, 2)
    )
    if first is None or second is None or first.ended is None or second.started is None:
        yield f"{DISTURBED}.cleared has no two tries with times"
    elif (waited := (second.started - first.ended).total_seconds()) > RETRY_DELAY / 2:
        yield f"{DISTURBED}.cleared ran again {waited:.0f} s after it was cleared, like a failed task"


def _logs_in_airflow(evidence: Evidence) -> Iterator[str]:
    logs = {one.key: one.log for one in evidence.tries}
    for key, _, expected in evidence.expected.tries():
        if expected.log_uploaded and expected.log_line not in logs.get(key, ""):
            yield f"{name_of(key)}: Airflow's page has no line with {expected.log_line!r}"


def _logs_in_cloudwatch(evidence: Evidence) -> Iterator[str]:
    containers = _containers(evidence)
    for key, _, expected in evidence.expected.tries():
        if not any(expected.log_line in one.log for one in containers.get(key, [])):
            yield f"{name_of(key)}: CloudWatch has no line with {expected.log_line!r}"


def _no_secret_in_the_open(evidence: Evidence) -> Iterator[str]:
    for place, text in evidence.texts.items():
        if not text:
            yield f"{place} is empty, so it was not checked"
        if _holds_token(text):
            yield f"{place} contains a token"
        if any(secret in text for secret in evidence.secrets):
            yield f"{place} contains a key or the database's password"


def _holds_token(text: str) -> bool:
    """Return whether the text contains a JSON web token, in plain or in a compressed payload."""
    if any(_is_header(match.group(0)) for match in TOKEN.finditer(text)):
        return True
    return COMPRESSED.search(text) is not None


def _is_header(candidate: str) -> bool:
    """Return whether the first part of a dotted text is a JSON object with an algorithm, as in a token."""
    first = candidate.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(header, dict) and "alg" in header


def _events_all_consumed(evidence: Evidence) -> Iterator[str]:
    for queue, depth in evidence.queue_depths.items():
        if depth:
            yield f"{depth} messages are left in {queue}"


def _events_tell_every_stop(evidence: Evidence) -> Iterator[str]:
    stopped = {
        event["detail"]["taskArn"] for event in evidence.events if event["detail"]["lastStatus"] == "STOPPED"
    }
    for container in evidence.containers:
        if container.arn not in stopped:
            yield f"no event says that {name_of(container.key)} stopped ({container.arn})"


def _account_empty(evidence: Evidence) -> Iterator[str]:
    for service, left in (evidence.inventory or {}).items():
        if left:
            yield f"after destroy {service} still has {json.dumps(left)[:200]}"


CHECKS: tuple[tuple[str, Callable[[Evidence], Iterator[str]]], ...] = (
    ("every DAG run ended as expected", _runs_ended_as_expected),
    ("every task has its expected state and tries", _states_and_tries),
    ("one container per try, no more", _one_container_per_try),
    ("every container has its expected exit code and stop code", _exit_and_stop_codes),
    ("Airflow's event log says why a container stopped, and what to do", _failures_explained),
    ("a new scheduler adopted the running tasks of a killed one", _scheduler_replaced),
    ("a cleared task runs again at once", _cleared_again_at_once),
    ("logs are readable through Airflow", _logs_in_airflow),
    ("logs are in CloudWatch", _logs_in_cloudwatch),
    ("no token, key or password in DescribeTasks, events or logs", _no_secret_in_the_open),
    ("every container's stop has an event", _events_tell_every_stop),
    ("all events were consumed", _events_all_consumed),
    ("the account is empty after destroy", _account_empty),
)


def run_checks(evidence: Evidence) -> list[Finding]:
    """Run every check for which there is evidence."""
    skipped = {_account_empty} if evidence.inventory is None else set()
    return [Finding(name, tuple(check(evidence))) for name, check in CHECKS if check not in skipped]
