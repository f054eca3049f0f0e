"""The smoke's checks: each one fails for its own reason and for no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from smoke import checks
from smoke.evidence import Container, Evidence, Handover, Try
from smoke.expectations import DISTURBED, LEFT_TO_THE_NEXT, OUTCOMES, OWN_AIRFLOW, Key
from smoke.report import task_table

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TOKEN = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ0YXNrIn0.c2lnbmF0dXJlLW9mLWEtdG9rZW4"
SECRETS = "no token, key or password in DescribeTasks, events or logs"


def _evidence() -> Evidence:
    """Return the evidence of a run in which everything went as expected."""
    tries: list[Try] = []
    containers: list[Container] = []
    event_log: dict[Key, tuple[str, ...]] = {}
    for task in OWN_AIRFLOW.tasks:
        for number, expected in enumerate(task.tries, 1):
            key = (task.dag_id, task.task_id, task.map_index, number)
            tries.append(Try(key, expected.state, NOW, NOW, NOW, expected.log_line))
            arn = f"arn:{len(containers)}"
            event_log[key] = ("running: ", f"fargate: {'; '.join(expected.event_log)}")
            containers.append(
                Container(arn, key, "STOPPED", expected.exit_code, expected.stop_code, "", expected.log_line)
            )
    events = [{"detail": {"taskArn": one.arn, "lastStatus": "STOPPED"}} for one in containers]
    return Evidence(
        run_states=dict(OWN_AIRFLOW.run_states),
        final_states={(task.dag_id, task.task_id, task.map_index): task.state for task in OWN_AIRFLOW.tasks},
        tries=tuple(tries),
        containers=tuple(containers),
        texts={"DescribeTasks": "nothing secret"},
        events=tuple(events),
        queue_depths={"event_queue_url": 0},
        event_log=event_log,
        handovers=tuple(
            Handover(f"{DISTURBED}.{name}", taken_over=True, ended=False) for name in LEFT_TO_THE_NEXT
        ),
        inventory={},
    )


def _failed(evidence: Evidence) -> set[str]:
    return {finding.name for finding in checks.run_checks(evidence) if finding.wrong}


def test_a_perfect_run_passes_every_check() -> None:
    """If everything is as expected, no check fails."""
    assert _failed(_evidence()) == set()


def _with_container(evidence: Evidence, **changes: object) -> Evidence:
    first, *rest = evidence.containers
    return replace(evidence, containers=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def test_airflow_2_may_have_a_killed_tasks_container_stopped() -> None:
    """Its zombie detection can be faster than the container's exit; Airflow 3 has no such excuse."""
    evidence = _evidence()
    key = (OUTCOMES, "out_of_memory", -1, 1)
    containers = tuple(
        replace(one, stop_code="UserInitiated") if one.key == key else one for one in evidence.containers
    )
    stopped = replace(evidence, containers=containers)
    assert _failed(stopped) == {"every container has its expected exit code and stop code"}
    assert _failed(replace(stopped, fails_killed_tasks_itself=True)) == set()


def _second_try_of_cleared_after_five_minutes(evidence: Evidence) -> Evidence:
    late = NOW + timedelta(minutes=5)
    return replace(
        evidence,
        tries=tuple(
            replace(one, started=late) if one.key == (DISTURBED, "cleared", -1, 2) else one
            for one in evidence.tries
        ),
    )


@pytest.mark.parametrize(
    ("doctored", "name"),
    [
        (lambda e: replace(e, run_states={}), "every DAG run ended as expected"),
        (lambda e: replace(e, final_states={}), "every task has its expected state and tries"),
        (lambda e: replace(e, tries=e.tries[1:]), "every task has its expected state and tries"),
        (lambda e: replace(e, containers=(*e.containers, e.containers[0])), "one container per try, no more"),
        (
            lambda e: _with_container(e, exit_code=None),
            "every container has its expected exit code and stop code",
        ),
        (
            lambda e: _with_container(e, stop_code=""),
            "every container has its expected exit code and stop code",
        ),
        (
            lambda e: _with_container(e, last_status="RUNNING"),
            "every container has its expected exit code and stop code",
        ),
        (
            lambda e: replace(e, tries=(replace(e.tries[0], log=""), *e.tries[1:])),
            "logs are readable through Airflow",
        ),
        (lambda e: _with_container(e, log=""), "logs are in CloudWatch"),
        (
            lambda e: replace(e, event_log=dict.fromkeys(e.event_log, ("fargate: it broke",))),
            "Airflow's event log says why a container stopped, and what to do",
        ),
        (lambda e: replace(e, handovers=()), "a new scheduler adopted the running tasks of a killed one"),
        (
            lambda e: replace(e, handovers=(*e.handovers, Handover("a.b", taken_over=False, ended=False))),
            "a new scheduler adopted the running tasks of a killed one",
        ),
        (_second_try_of_cleared_after_five_minutes, "a cleared task runs again at once"),
        (lambda e: replace(e, texts={"events": f"x {TOKEN} y"}), SECRETS),
        (
            lambda e: replace(e, texts={"events": "zlib:" + "A" * 40}),
            SECRETS,
        ),
        (lambda e: replace(e, texts={"events": ""}), SECRETS),
        (lambda e: replace(e, texts={"events": "opened with 5ecret"}, secrets=("5ecret",)), SECRETS),
        (lambda e: replace(e, events=e.events[1:]), "every container's stop has an event"),
        (lambda e: replace(e, queue_depths={"event_dlq_url": 1}), "all events were consumed"),
        (lambda e: replace(e, inventory={"s3": ["bucket"]}), "the account is empty after destroy"),
    ],
)
def test_each_check_fails_for_its_reason(doctored: object, name: str) -> None:
    """If one thing is wrong, the check for it fails."""
    assert callable(doctored)
    assert name in _failed(doctored(_evidence()))


def test_a_container_that_still_exits_may_be_stopped_for_the_next_try() -> None:
    """Whether it exits before the next try is queued depends on the machine, so both are accepted."""
    first = (OUTCOMES, "fails_once", -1, 1)
    evidence = _evidence()
    stopped = tuple(
        replace(each, stop_code="UserInitiated") if each.key == first else each
        for each in evidence.containers
    )
    assert stopped != evidence.containers
    assert _failed(replace(evidence, containers=stopped)) == set()


def test_the_table_has_a_line_per_try() -> None:
    """Each try has a line with its codes, below its DAG."""
    lines = task_table(_evidence())
    codes = {expected.stop_code for task in OWN_AIRFLOW.tasks for expected in task.tries}
    assert sum(any(code in line for code in codes) for line in lines) == len(_evidence().containers)
    assert any("out_of_memory" in line and "137" in line for line in lines)
