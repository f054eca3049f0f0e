"""DescribeTasks and the search for tasks, within their own rate."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.tasks.messages import Accepted, Missing, NotFound, Seen
from airflow_fargate.testing import FakeEcs, ManualClock
from airflow_fargate.tracking.reconciler import Reconciler, interval
from aws_model import modelled
from unit.examples import client_error, launch_id


class Bench:
    """A reconciler on a fake cluster."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ecs = FakeEcs(clock=self.clock)
        self.said: list[Any] = []
        self.reconciler = Reconciler(
            {"ecs": modelled("ecs", self.ecs)}.__getitem__,
            "airflow",
            "airflow/{}".format,
            self.clock.monotonic,
            self.said.append,
        )

    def run(self, seconds: float = 0.0) -> None:
        """Do everything that is due, now and for these seconds."""
        until = self.clock.monotonic() + seconds
        while True:
            wait = self.reconciler.run_one()
            if wait > 0:
                left = until - self.clock.monotonic()
                if left <= 0:
                    return
                self.clock.advance(min(wait, left))

    def task(self, number: int) -> str:
        answer = self.ecs.run_task(clientToken=str(number), startedBy=f"airflow/{launch_id(number)}")
        return str(answer["tasks"][0]["taskArn"])


def metrics(ecs: FakeEcs, error: Any = None) -> list[int]:
    """Record the size of every DescribeTasks call; ``error`` may return an exception for one."""
    sizes: list[int] = []
    describe = ecs.describe_tasks

    def describing(**request: Any) -> Any:
        sizes.append(len(request["tasks"]))
        if error and (raised := error(request["tasks"])):
            raise raised
        return describe(**request)

    ecs.describe_tasks = describing  # type: ignore[method-assign]
    return sizes


@pytest.mark.parametrize(
    ("tasks", "events", "seconds"),
    [
        (0, True, 60),
        (1500, True, 60),
        (1501, True, 64),
        (10_000, True, 400),
        (10_000, False, 60),
        (600, False, 60),
    ],
)
def test_the_interval_grows_with_the_tasks(tasks: int, events: bool, seconds: float) -> None:  # noqa: FBT001
    """At most fifteen calls per minute with events; without a queue, as often as configured for longer."""
    assert interval(60.0, tasks, events=events) == pytest.approx(seconds)


def test_a_hundred_are_described_in_a_call() -> None:
    """250 tasks take three calls, and each is reported once."""
    bench = Bench()
    arns = [bench.task(number) for number in range(250)]
    sizes = metrics(bench.ecs)
    bench.reconciler.ask([*arns, *arns[200:]])
    bench.run()
    assert sizes == [100, 100, 50]
    assert [each.ecs_task.arn for each in bench.said] == arns
    assert {type(each) for each in bench.said} == {Seen}


def test_unknown_tasks_are_missing() -> None:
    """By the ARN that was asked for, even if AWS leaves out the cluster."""
    bench = Bench()
    arn = bench.task(1)
    known = bench.ecs.tasks.pop(arn)
    bench.ecs.describe_tasks = lambda **_: {  # type: ignore[method-assign]
        "tasks": [{"lastStatus": "RUNNING"}],
        "failures": [
            {"arn": arn.replace("/airflow/", "/"), "reason": "MISSING"},
            {"arn": "x", "reason": "?"},
        ],
    }
    bench.reconciler.ask([arn])
    bench.run()
    assert bench.said == [Missing(arn)]
    assert known


def test_one_invalid_arn_affects_no_other_task() -> None:
    """It is found by halving, and all others are reported."""
    bench = Bench()
    arns = [bench.task(number) for number in range(16)]
    refused = client_error("InvalidParameterException", "Invalid identifier")
    metrics(bench.ecs, lambda asked: refused if "bad" in asked else None)
    bench.reconciler.ask([*arns[:7], "bad", *arns[7:]])
    bench.run()
    assert [each for each in bench.said if isinstance(each, Missing)] == [Missing("bad")]
    assert len(bench.said) == 17


@pytest.mark.parametrize(
    "error",
    [
        client_error("InvalidParameterException", "Rate exceeded (ErrorCode: Throttling)"),
        client_error("ClusterNotFoundException"),
        OSError("no route"),
    ],
)
def test_a_failed_call_reports_no_task_as_missing(error: Exception) -> None:
    """It is raised for the log, and not repeated at once."""
    bench = Bench()
    sizes = metrics(bench.ecs, lambda _: error)
    bench.reconciler.ask([bench.task(1), bench.task(2)])
    with pytest.raises(type(error)):
        bench.run()
    assert bench.said == []
    assert sizes == [2]


def test_it_keeps_its_own_rate() -> None:
    """Never more than its burst, and ten per second."""
    bench = Bench()
    sizes = metrics(bench.ecs)
    bench.reconciler.ask([f"{n}" for n in range(10_000)])
    bench.run(3.0)
    assert 50 <= len(sizes) <= 50 + 3 * 10


def test_a_launch_is_found_by_its_id() -> None:
    """It is reported as accepted; a running task is preferred to a stopped one."""
    bench = Bench()
    stopped = bench.task(1)
    bench.ecs.move(stopped, "STOPPED", exit_code=0)
    bench.ecs._by_token.pop("1")
    runs = f"{stopped[:-1]}9"
    bench.ecs.tasks[runs] = bench.ecs.tasks[stopped] | {"taskArn": runs, "lastStatus": "RUNNING"}
    bench.reconciler.ask([], [launch_id(1)])
    bench.run()
    (said,) = bench.said
    assert isinstance(said, Accepted)
    assert (said.launch_id, said.ecs_task.arn) == (launch_id(1), runs)


def test_a_listed_task_exists_even_if_it_is_not_described() -> None:
    """The two calls are eventually consistent."""
    bench = Bench()
    arn = bench.task(1)
    bench.ecs.describe_tasks = lambda **_: {"failures": [{"arn": arn, "reason": "MISSING"}]}  # type: ignore[method-assign]
    bench.reconciler.ask([], [launch_id(1)])
    bench.run()
    assert bench.said[0].ecs_task.arn == arn


def test_a_task_is_not_found_after_two_searches() -> None:
    """Fifteen seconds apart, because ListTasks is eventually consistent."""
    bench = Bench()
    bench.reconciler.ask([], [launch_id(1)])
    bench.run(14.0)
    assert bench.said == []
    bench.run(4.0)
    assert bench.said == [NotFound(launch_id(1))]


def test_a_task_that_is_listed_late_is_found() -> None:
    """It appears between the two searches."""
    bench = Bench()
    bench.reconciler.ask([], [launch_id(1)])
    bench.run()
    bench.task(1)
    bench.run(20.0)
    assert [type(each) for each in bench.said] == [Accepted]
