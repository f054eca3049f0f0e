"""The page's HTML: what it shows, to whom, and that nothing breaks out of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_fargate.airflow_versions import TaskTry
from airflow_fargate.page.view import Snapshot, Team, airflow_link, https, render
from scenarios.world import CONFIG

NOW = 1_790_000_000.0
ARN = "arn:aws:ecs:us-east-1:123456789012:task/airflow/0123456789abcdef0123456789abcdef"
LAUNCH_ID = "00000000-0000-4000-8000-000000000001"
ATTACK = "<script>alert('\"x\"')</script>"


def a_try(**changes: Any) -> TaskTry:
    """Return a try that began an hour ago."""
    began = datetime.fromtimestamp(NOW - 3600, tz=timezone.utc)
    tried = TaskTry("sales", "load", "manual__2026-11-29T00:00:00+00:00", 2, "big", None, ARN, began, None)
    return replace(tried, **changes)


def a_status(**changes: Any) -> dict[str, Any]:
    """Return a scheduler's status about one container."""
    details = {"launch_id": LAUNCH_ID, "cpu": 1024, "memory": 4096, "storage": None, "since": NOW - 7200}
    details |= {"capacity": "FARGATE_SPOT", "architecture": "arm64"}
    return {
        "scheduler": "scheduler-1",
        "written_at": NOW - 4,
        "containers": 7,
        "waiting": 40,
        "rate": 12.25,
        "limit": 20.0,
        "limit_now": 10.0,
        "throttles": 3,
        "capacity_refusals": 2,
        "launch_errors": 0,
        "standbys": {"fast": {"idle": 2, "starting": 1, "target": 3}},
        "failing": {"listener-0": "ClientError AccessDenied"},
        "failures": [a_failure()],
        "details": {ARN: details},
    } | changes


def a_failure(**changes: Any) -> dict[str, Any]:
    """Return a failure that a scheduler saw."""
    key = {"dag_id": "sales", "task_id": "train", "run_id": "r", "map_index": 3, "try_number": 1}
    why = {"why": "It ran out of memory.", "reason": "OutOfMemoryError", "log": "https://console/log"}
    return key | why | {"at": NOW - 90, "arn": ARN} | changes


def shown(*tries: TaskTry, statuses: Any = (), missing: str = "", dags: Any = ("sales",)) -> str:
    """Return the page, its white space normalized."""
    return rendered(Snapshot(NOW, [Team("", CONFIG, list(statuses), missing)], tries), dags)


def rendered(snapshot: Snapshot, dags: Any = ("sales",)) -> str:
    """Return the page of what was read."""
    return " ".join(render(snapshot, set(dags), NOW, "nonce").split())


def test_a_running_container_is_shown_with_size_capacity_age_cost_and_links() -> None:
    """As the scheduler's status knows it: 2 h of 1 vCPU and 4 GB of Graviton on Spot."""
    page = shown(a_try(), statuses=[a_status()])
    assert "sales.load</a>" in page
    assert "try 2" in page
    assert "1 vCPU, 4 GB" in page
    assert 'class="spot">FARGATE_SPOT' in page
    assert "2 h 00 min" in page
    assert f"{2 * (0.03238 + 4 * 0.00356) * 0.3:.4f}" in page
    link = "../dags/sales/runs/manual__2026-11-29T00%3A00%3A00%2B00%3A00/tasks/load?try_number=2"
    assert f'href="{link}"' in page
    assert "https://console.aws.amazon.com/ecs/v2/clusters/airflow/tasks/0123456789abcdef" in page


def test_what_only_the_scheduler_knows_is_shown() -> None:
    """Launches, throttling, standbys, failing parts, failures, and how old all that is."""
    page = shown(statuses=[a_status()])
    for text in ("12.2", "of 10", "AWS throttled; 20 again soon", "3 throttled, 2 without capacity"):
        assert text in page
    for text in ("Standbys of fast", "1 starting", "listener-0 fails: ClientError AccessDenied", "4 s old"):
        assert text in page
    for text in ("sales.train[3]", "It ran out of memory.", "OutOfMemoryError", "1 min 30 s ago"):
        assert text in page


def test_without_a_status_the_configured_size_is_shown_and_the_page_says_what_is_missing() -> None:
    """The rows are Airflow's; launches and standbys are left out."""
    page = shown(a_try(executor_config={"cpu": 512, "memory": 1024}), missing="No scheduler runs.")
    assert "No scheduler runs." in page
    assert "0.5 vCPU, 1 GB" in page
    assert "Launches a second" not in page


def test_nothing_from_outside_breaks_out_of_the_page() -> None:
    """Whatever a container, AWS or a DAG's author writes is text, and links are https or none."""
    evil = a_failure(task_id=ATTACK, why=ATTACK, reason=ATTACK, log="javascript:alert(1)", arn=ATTACK)
    details = {ARN: a_status()["details"][ARN] | {"capacity": ATTACK}}
    status = a_status(
        failures=[evil, a_failure(dag_id=None, task_id=ATTACK)],
        details=details,
        scheduler=ATTACK,
        failing={ATTACK: ATTACK},
        standbys={ATTACK: {"idle": 1}},
    )
    page = shown(a_try(task_id=ATTACK, run_id=ATTACK), statuses=[status], missing=ATTACK)
    assert "alert(" in page
    assert "<script>" not in page
    assert "javascript:" not in page
    assert page.count("<script") == 1


def test_a_user_sees_only_the_dags_that_they_may_read() -> None:
    """Neither containers, nor costs, nor failures of others."""
    page = shown(a_try(), statuses=[a_status()], dags=["other"])
    assert "sales" not in page
    assert "OutOfMemory" not in page


def test_a_container_whose_row_has_the_launch_id_is_found_by_it() -> None:
    """And a task that has no container yet, or another executor's, is not a row."""
    page = shown(
        a_try(external_id=LAUNCH_ID),
        a_try(task_id="waits", external_id=LAUNCH_ID.replace("1", "2")),
        a_try(task_id="of_celery", external_id="celery-id"),
        statuses=[a_status()],
    )
    assert "sales.load</a>" in page
    assert "waits" not in page
    assert "of_celery" not in page


def test_links_are_those_of_airflows_own_page() -> None:
    """A mapped task has its index in the path; each part is quoted."""
    link = airflow_link(a_failure(run_id="a/b?c"))
    assert link == "../dags/sales/runs/a%2Fb%3Fc/tasks/train/mapped/3?try_number=1"
    assert https("http://example.org") == ""


def test_each_team_has_its_own_section_status_and_note() -> None:
    """A DAG's container has the size of its team's section; equal queues of two teams are told apart."""
    sales = replace(CONFIG, deployment="airflow-sales", task_cpu=2048, task_memory=8192)
    fast = {"fast": {"idle": 1, "target": 1}}
    teams = [
        Team("", CONFIG, [a_status(standbys=fast, details={}, failures=[])], ""),
        Team("sales", sales, [a_status(standbys=fast, details={}, failures=[])], "A note."),
    ]
    page = rendered(Snapshot(NOW, teams, [a_try()], {"sales": "sales"}))
    for text in ("team sales: deployment airflow-sales", "Team sales: A note.", "2 vCPU, 8 GB"):
        assert text in page
    assert "Standbys of fast<" in page
    assert "Standbys of fast of sales<" in page


def test_a_team_without_executors_of_its_own_has_those_of_everyone() -> None:
    """Its DAGs' containers are shown with the section that is no team's."""
    own = replace(CONFIG, task_cpu=512, task_memory=1024)
    page = rendered(Snapshot(NOW, [Team("", own, (), "")], [a_try()], {"sales": "another"}))
    assert "0.5 vCPU, 1 GB" in page


def test_a_rejected_executor_config_is_a_failure_without_a_container() -> None:
    """The reason, and no link to a container that there never was."""
    why = "executor_config: 'memori' is not an option. Did you mean memory?"
    page = shown(statuses=[a_status(details={}, failures=[a_failure(why=why, reason="", log="", arn="")])])
    assert "Did you mean memory?" in page
    assert "ECS console" not in page
