"""The registry when it adopts the tasks of another scheduler."""

from __future__ import annotations

import pytest

from airflow_fargate.tasks.messages import NotFound, Release, Report, Stop
from airflow_fargate.tasks.registry import MISSING_GRACE
from airflow_fargate.tasks.states import State
from airflow_fargate.tasks.verdict import Outcome
from unit.examples import ARN, an_ecs_task, launch_id, stopped
from unit.tasks.registry_bench import OTHER, Bench, adopting, outcome


@pytest.mark.parametrize("arn", [ARN, ""])
def test_an_adopted_task_is_described_at_once(arn: str) -> None:
    """By ARN or by launch id, at the next heartbeat."""
    (task,) = adopting(arn).registry.stale(60.0, 100)
    assert (task.arn, task.state) == (arn, State.SOUGHT)


@pytest.mark.parametrize("arn", [ARN, ""])
def test_an_adopted_task_that_is_found_is_reported_and_tracked(arn: str) -> None:
    """Its container and its end are reported; it is also tracked by its launch id."""
    bench = adopting(arn)
    assert bench.seen(an_ecs_task("RUNNING")) == [Report("key-1", ARN)]
    assert bench.registry.tracks(an_ecs_task(taskArn=OTHER))
    assert [task.launch_id for task in bench.registry] == [launch_id()]
    assert bench.registry.stale(60.0, 10) == []
    assert outcome(bench.seen(stopped(1))) is Outcome.FAILED
    assert len(bench.registry) == 0


def test_an_adopted_task_that_was_never_launched_is_launched() -> None:
    """If no container is found, the first attempt starts."""
    bench = adopting(may_launch=True)
    (again,) = bench.registry.apply(NotFound(launch_id()))
    assert again.attempt.client_token == f"{launch_id()}-0"
    assert bench.registry.apply(NotFound(launch_id())) == []


def test_an_adopted_running_task_without_a_container_is_left_to_airflow() -> None:
    """Its id may be another executor's: its slot is freed, and nothing is reported."""
    bench = adopting()
    assert bench.registry.apply(NotFound(launch_id())) == []
    bench.clock.advance(MISSING_GRACE)
    assert bench.registry.apply(NotFound(launch_id())) == [Release("key-1")]
    assert len(bench.registry) == 0


def test_an_adopted_task_that_cannot_be_launched_fails_with_the_reason() -> None:
    """Its executor_config is invalid, and it has no container."""
    bench = Bench(launched=False)
    bench.registry.adopt("key-1", launch_id(), "", None, 540.0, unlaunchable="cpu must be positive")
    (finish,) = bench.registry.apply(NotFound(launch_id()))
    assert finish.verdict.outcome is Outcome.FAILED
    assert str(finish.verdict.diagnosis) == "cpu must be positive"


def test_a_revoked_adopted_task_is_stopped_when_it_is_found() -> None:
    """If it is not found, it is not launched."""
    bench = adopting(may_launch=True)
    bench.registry.revoke("key-1", "cleared")
    assert bench.registry.apply(NotFound(launch_id())) == []
    assert [type(each) for each in bench.seen(an_ecs_task("RUNNING"))] == [Stop]
