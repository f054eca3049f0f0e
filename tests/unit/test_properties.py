"""Properties for any text, event, order and schedule of calls."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_fargate.aws.rate_limiter import TokenBucket
from airflow_fargate.errors import TaskOptionsError
from airflow_fargate.settings.sizes import is_offered
from airflow_fargate.settings.task_options import TaskOptions, effective_options, parse_task_options
from airflow_fargate.tasks.messages import Accepted, Finish, Report, Seen
from airflow_fargate.tasks.registry import Registry
from airflow_fargate.tasks.verdict import Outcome
from unit.examples import ARN, CONFIG, a_launch, an_ecs_task, launch_id, stopped


@given(st.integers(1, 20_000), st.integers(1, 130_000))
def test_rounding_up_gives_an_offered_size_that_is_not_smaller(cpu: int, memory: int) -> None:
    """Above the largest size it is rejected."""
    asked = parse_task_options("executor_config", {"cpu": cpu, "memory": memory})
    with contextlib.suppress(TaskOptionsError):
        fitted = effective_options(replace(CONFIG, round_up_sizes=True), TaskOptions(), asked)
        assert fitted.cpu is not None
        assert fitted.memory is not None
        assert is_offered(fitted.cpu, fitted.memory)
        assert (fitted.cpu >= cpu, fitted.memory >= memory) == (True, True)


LIFE = [
    an_ecs_task("PROVISIONING", version=1),
    an_ecs_task("PENDING", version=2),
    an_ecs_task("RUNNING", version=4, startedAt="2026-01-01T00:00:00Z"),
    an_ecs_task("DEPROVISIONING", version=6, startedAt="2026-01-01T00:00:00Z"),
    stopped(0, version=7, startedAt="2026-01-01T00:00:00Z"),
]


@given(st.lists(st.integers(0, len(LIFE) - 1), max_size=20), st.integers(0, 20))
def test_any_order_of_events_has_the_same_result(order: list[int], answered: int) -> None:
    """Events are lost, doubled and reordered around RunTask's answer: one report, one success."""
    registry = Registry("worker", "airflow", lambda: 0.0)
    attempt = registry.launch(a_launch(), 540.0)
    messages: list[Any] = [Seen(LIFE[number]) for number in order]
    messages.insert(min(answered, len(messages)), Accepted(launch_id(), LIFE[0], attempt))
    decisions: list[Any] = []
    for message in [*messages, Seen(LIFE[-1])]:
        decisions += registry.apply(message)
    assert [each for each in decisions if isinstance(each, Report)] == [Report("key-1", ARN)]
    (end,) = [each for each in decisions if isinstance(each, Finish)]
    assert end.verdict.outcome is Outcome.SUCCESS
    assert len(decisions) == 2
    assert len(registry) == 0


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 200),
    steps=st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=50),
)
def test_a_bucket_never_gives_more_than_burst_and_rate(
    rate: float, burst: int, steps: list[tuple[float, bool]]
) -> None:
    """In every interval: at most burst + rate * seconds, with throttling at any time."""
    bucket, now = TokenBucket(rate, burst, 0.0), 0.0
    taken: list[float] = []
    for seconds, refused in steps:
        now += seconds
        for _ in range(300):
            if bucket.wait(now) > 0:
                break
            bucket.take(now)
            taken.append(now)
        if refused:
            bucket.slow_down(now)
    for first in range(0, len(taken), 37):
        since = len(taken) - first
        assert since <= burst + rate * (taken[-1] - taken[first]) + 1e-6 * since + 1
