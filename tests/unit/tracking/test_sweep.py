"""Searching for many launches at once: in few calls, with the same results as single searches."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.tasks.messages import Accepted, NotFound
from airflow_fargate.tracking.sweep import WORTH_IT, Sweep
from unit.examples import client_error, launch_id
from unit.tracking.test_reconciler import Bench, metrics


def asked(bench: Bench, *numbers: int) -> list[str]:
    """Search for launches; return their ids."""
    ids = [launch_id(number) for number in numbers]
    bench.reconciler.ask([], ids)
    return ids


def lists(bench: Bench) -> list[dict[str, Any]]:
    """Record every ListTasks call."""
    calls: list[dict[str, Any]] = []
    listing = bench.ecs.list_tasks

    def noting(**request: Any) -> Any:
        calls.append(request)
        return listing(**request)

    bench.ecs.list_tasks = noting  # type: ignore[method-assign]
    return calls


def test_a_thousand_launches_are_found_within_a_second() -> None:
    """With ten pages and their descriptions, instead of more than two thousand calls."""
    bench = Bench()
    arns = [bench.task(number) for number in range(1000)]
    pages, sizes = lists(bench), metrics(bench.ecs)
    ids = asked(bench, *range(1000))
    bench.run(1.0)
    assert [(each.launch_id, each.ecs_task.arn) for each in bench.said] == list(zip(ids, arns, strict=True))
    assert {type(each) for each in bench.said} == {Accepted}
    assert (len(pages), sizes) == (10, [100] * 10)


def test_few_launches_are_looked_for_one_by_one() -> None:
    """By startedBy, without listing the cluster."""
    bench = Bench()
    for number in range(WORTH_IT - 1):
        bench.task(number)
    pages = lists(bench)
    asked(bench, *range(WORTH_IT - 1))
    bench.run(10.0)
    assert len(bench.said) == WORTH_IT - 1
    assert all("startedBy" in each for each in pages)


def test_a_running_container_is_preferred_then_the_last() -> None:
    """As in a single search: earlier ones stopped before they ran."""
    bench = Bench()
    running, last = bench.task(1), bench.task(2)
    for arn in (running, last):
        first = f"{arn[:-1]}x"
        bench.ecs.tasks[first] = bench.ecs.tasks[arn] | {"taskArn": first, "lastStatus": "STOPPED"}
    bench.ecs.tasks[last] |= {"createdAt": bench.ecs.tasks[last]["createdAt"].replace(year=2030)}
    bench.ecs.move(last, "STOPPED", exit_code=0)
    asked(bench, *range(1, WORTH_IT + 1))
    bench.run(1.0)
    assert {each.launch_id: each.ecs_task.arn for each in bench.said} == {
        launch_id(1): running,
        launch_id(2): last,
    }


def test_a_launch_that_is_not_listed_is_searched_for_again() -> None:
    """Fifteen seconds later, as in a single search."""
    bench = Bench()
    ids = asked(bench, *range(WORTH_IT + 1))
    bench.run(1.0)
    assert bench.said == []
    late = bench.task(0)
    bench.run(20.0)
    assert bench.said[0].ecs_task.arn == late
    assert bench.said[1:] == [NotFound(each) for each in ids[1:]]


def test_a_cluster_with_many_other_tasks_is_not_read_to_its_end() -> None:
    """After half as many pages as launches, each launch is searched for by itself."""
    bench = Bench()
    for number in range(1000, 1000 + 100 * WORTH_IT):
        bench.task(number)
    bench.task(1)
    pages = lists(bench)
    asked(bench, *range(WORTH_IT))
    bench.run(60.0)
    assert [each.launch_id for each in bench.said if isinstance(each, Accepted)] == [launch_id(1)]
    assert sum("startedBy" not in each for each in pages) == WORTH_IT // 2
    assert len([each for each in bench.said if isinstance(each, NotFound)]) == WORTH_IT - 1


def test_an_interrupted_list_is_started_again() -> None:
    """No launch is lost, and none is reported twice."""
    bench = Bench()
    for number in range(250):
        bench.task(number)
    errors = iter([None, client_error("InvalidParameterException", "Invalid token")])
    metrics(bench.ecs, lambda _: next(errors, None))
    asked(bench, *range(250))
    with pytest.raises(Exception, match="Invalid token"):
        bench.run()
    bench.run(2.0)
    assert sorted(each.launch_id for each in bench.said) == sorted(map(launch_id, range(250)))


def test_a_sweep_reports_whether_it_is_complete() -> None:
    """An empty cluster takes two pages."""
    sweep = Sweep("airflow", {"airflow/x", "airflow/y", "airflow/z", "airflow/w"})
    bench = Bench()
    assert sweep.step(bench.ecs) == []
    assert not sweep.done
    assert sweep.step(bench.ecs) == []
    assert sweep.done
    assert sweep.complete
    assert len(sweep.left) == 4
