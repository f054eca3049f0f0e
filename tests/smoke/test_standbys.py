"""The smoke's standbys: when tasks may be queued for them, and the checks of what became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from smoke import dag_runs, standbys
from smoke.airflow_releases import find_release
from smoke.airflow_services import DAGS
from smoke.evidence import NOBODY, TAG, Container, Evidence, Try, parse_containers
from smoke.expectations import DISTURBED, MISSES_A_STANDBY, OWN_AIRFLOW, READY, Key
from smoke.report import task_table

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
KILLED = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(minutes=2)


def _waiting(exit_code: int | None = None, last_status: str = "RUNNING") -> tuple[Container, ...]:
    one = Container("arn:idle", NOBODY, last_status, exit_code, "", "", "", standby=True, created=LATER)
    return (one,) * standbys.NUMBER


def _evidence() -> Evidence:
    """Return the evidence of a run whose standbys did what they should."""
    tries: list[Try] = []
    containers: list[Container] = []
    for task in OWN_AIRFLOW.tasks:
        for number, expected in enumerate(task.tries, 1):
            key = (task.dag_id, task.task_id, task.map_index, number)
            tries.append(Try(key, expected.state, NOW, NOW, NOW, ""))
            container = Container(
                f"arn:{len(containers)}", key, "STOPPED", expected.exit_code, expected.stop_code, "", ""
            )
            first = NOW + timedelta(seconds=1 if expected.standby else 9)
            containers.append(replace(container, standby=expected.standby, created=NOW, first_line=first))
    return Evidence(
        run_states={},
        final_states={},
        tries=tuple(tries),
        containers=tuple(containers),
        texts={},
        events=(),
        queue_depths={},
        event_log={},
        handovers=(),
        inventory={},
        has_standbys=True,
        idle=_waiting(),
        ended=_waiting(standbys.NOT_USED, "STOPPED"),
        scheduler_killed=KILLED,
    )


def _failed(evidence: Evidence) -> set[str]:
    return {finding.name for finding in standbys.run_checks(evidence) if finding.wrong}


def _with(evidence: Evidence, key: Key, **changes: Any) -> Evidence:
    containers = tuple(replace(one, **changes) if one.key == key else one for one in evidence.containers)
    assert containers != evidence.containers
    return replace(evidence, containers=containers)


HIT: Key = (DISTURBED, "outlives_its_scheduler", -1, 1)
MISS: Key = (DISTURBED, MISSES_A_STANDBY, -1, 1)
HITS, MISSED, REPLACED, UNUSED = (name for name, _ in standbys.CHECKS)


@pytest.mark.parametrize(
    ("doctored", "failed"),
    [
        (lambda e: e, set()),
        (lambda e: _with(e, HIT, standby=False), {HITS}),
        (lambda e: _with(e, MISS, standby=True), {HITS}),
        (lambda e: _with(e, MISS, created=NOW + timedelta(seconds=6)), {MISSED}),
        (lambda e: _with(e, MISS, created=None), {MISSED}),
        (lambda e: replace(e, idle=e.idle[1:]), {REPLACED}),
        (lambda e: replace(e, idle=_waiting(79, "STOPPED")), {REPLACED}),
        (lambda e: replace(e, idle=tuple(replace(one, created=NOW) for one in e.idle)), {REPLACED}),
        (lambda e: replace(e, scheduler_killed=None), {REPLACED}),
        (lambda e: replace(e, ended=_waiting(143, "STOPPED")), {UNUSED}),
        (lambda e: replace(e, ended=_waiting()), {UNUSED}),
        (lambda e: replace(e, ended=()), {UNUSED}),
        (lambda e: replace(e, ended=(), inventory=None), set()),
    ],
)
def test_each_check_fails_for_its_reason(doctored: Callable[[Evidence], Evidence], failed: set[str]) -> None:
    """If one thing is wrong, its check fails and no other; if everything is kept, nothing was stopped."""
    assert _failed(doctored(_evidence())) == failed


def test_a_release_without_standbys_has_none() -> None:
    """One check takes the place of the others: no container was started as a standby."""
    without = replace(_evidence(), has_standbys=False)
    assert _failed(without) == {standbys.WITHOUT[0]}
    none = tuple(replace(one, standby=False) for one in without.containers)
    assert [each.wrong for each in standbys.run_checks(replace(without, containers=none, idle=()))] == [()]
    assert [find_release(each).has_standbys for each in ("2.11.2", "3.0.6", "3.3.2", "3.4.0b2")] == [
        False,
        False,
        True,
        True,
    ]


def test_the_report_compares_standbys_with_new_containers() -> None:
    """It lists tasks that print a line at once, those on standbys first; the table marks containers."""
    lines = standbys.start_lines(_evidence())
    hits = sum(one.standby for one in _evidence().containers)
    assert [line.split()[:3] for line in lines[:hits]] == [["1.0", "s", "standby"]] * hits
    assert [line.split()[:3] for line in lines[hits:]] == [["9.0", "s", "new"]] * (len(lines) - hits)
    assert sum(" standby " in line for line in task_table(_evidence())) == hits


def _ecs_task(status: str = "RUNNING", age: float = 30, **tags: str) -> dict[str, Any]:
    return {
        "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/smoke/0",
        "lastStatus": status,
        "startedAt": (NOW - timedelta(seconds=age)).isoformat(),
        "tags": [{"key": f"{TAG}{name.replace('_', '-')}", "value": value} for name, value in tags.items()],
    }


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        (_ecs_task(standby="S"), True),
        (_ecs_task(standby="S", age=21), False),
        (_ecs_task("STOPPED", standby="S"), False),
        (_ecs_task(standby="S", dag_id="d", task_id="t", map_index="-1", try_number="1"), False),
        (_ecs_task(dag_id="d", task_id="t", map_index="-1", try_number="1"), False),
        ({**_ecs_task("PENDING", standby="S"), "startedAt": None}, False),
    ],
)
def test_a_standby_counts_once_it_is_offered_tasks(task: dict[str, Any], *, counts: bool) -> None:
    """It has no task, and has run for long enough."""
    assert standbys.running([task], NOW, standbys.OFFERED_AFTER) == counts


def test_a_containers_first_line_is_the_tasks_own() -> None:
    """Lines of the worker before it do not count."""
    lines = [(1_000, "the worker's line"), (2_000, f"try 1 {READY}"), (3_000, READY)]
    (found,) = parse_containers([_ecs_task(standby="S")], {"worker/airflow/0": lines, "other/1": lines})
    assert found.first_line == datetime.fromtimestamp(2, timezone.utc)
    assert found.is_idle_standby
    assert found.log.splitlines() == [line for _, line in lines]


def test_the_disturbed_tasks_are_queued_when_standbys_are_ready() -> None:
    """The other DAGs run until then."""
    triggered: list[str] = []
    polls: list[list[str]] = []

    def are_ready() -> bool:
        polls.append(list(triggered))
        return len(polls) == 2

    def trigger(dag_id: str) -> str:
        triggered.append(dag_id)
        return "run"

    api: Any = SimpleNamespace(
        trigger=trigger,
        import_errors=list,
        dag_ids=lambda: set(OWN_AIRFLOW.run_states),
        run_state=lambda *_: "success",
        task_instances=lambda *_: [],
    )
    programs: Any = SimpleNamespace(stop=SimpleNamespace(wait=lambda _: False))
    disturber: Any = SimpleNamespace(look=lambda *_: None)

    runs = dag_runs.DagRuns(api, programs, disturber, are_ready, OWN_AIRFLOW)
    runs.run(lambda _: None)

    others = [dag_id for dag_id in OWN_AIRFLOW.run_states if dag_id != DISTURBED]
    assert polls == [others, others]
    assert triggered == [*others, DISTURBED]


def test_the_dag_uses_the_queue_that_has_standbys() -> None:
    """The DAG's file imports only Airflow, so it repeats the queue's name."""
    text = (DAGS / "smoke_disturbed.py").read_text(encoding="utf-8")
    assert f'WITH_STANDBYS = "{standbys.QUEUE}"' in text
    assert f'"{standbys.QUEUE}"' in standbys.terraform_override()
