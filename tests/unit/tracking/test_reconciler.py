"""DescribeTasks and the search, within their own rate."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.tasks.messages import Accepted, Missing, NotFound, Seen
from airflow_fargate.testing import FakeEcs, ManualClock
from airflow_fargate.tracking.reconciler import Reconciler, interval
from aws_model import modelled
from unit.examples import client_error, launch_id


class Bench:
    """A reconciler over a fake cluster."""

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
        """Do all that is due, now and for so many seconds."""
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
    """Note the size of every DescribeTasks call; ``error`` may return an exception for one."""
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
    """At most fifteen calls a minute beside events; without a queue as often as configured for longer."""
    assert interval(60.0, tasks, events=events) == pytest.approx(seconds)


def test_a_hundred_are_described_in_a_call() -> None:
    """250 tasks: three calls, each task told once, those asked twice once."""
    bench = Bench()
    arns = [bench.task(number) for number in range(250)]
    sizes = metrics(bench.ecs)
    bench.reconciler.ask([*arns, *arns[200:]])
    bench.run()
    assert sizes == [100, 100, 50]
    assert [each.ecs_task.arn for each in bench.said] == arns
    assert {type(each) for each in bench.said} == {Seen}


def test_what_ecs_does_not_know_is_missing() -> None:
    """Named as it was asked, also where AWS leaves out the cluster."""
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


def test_one_arn_that_ecs_takes_for_none_spoils_nothing() -> None:
    """It is found by halving; all others are told."""
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
def test_an_error_of_the_call_says_nothing_of_its_tasks(error: Exception) -> None:
    """It is raised, for the health log; no task counts as missing, and no call is repeated at once."""
    bench = Bench()
    sizes = metrics(bench.ecs, lambda _: error)
    bench.reconciler.ask([bench.task(1), bench.task(2)])
    with pytest.raises(type(error)):
        bench.run()
    assert bench.said == []
    assert sizes == [2]


def test_it_keeps_its_own_rate() -> None:
    """Never more than its burst and ten a second."""
    bench = Bench()
    sizes = metrics(bench.ecs)
    bench.reconciler.ask([f"{n}" for n in range(10_000)])
    bench.run(3.0)
    assert 50 <= len(sizes) <= 50 + 3 * 10


def test_a_launch_is_found_by_its_id() -> None:
    """Told as accepted; one that runs goes before one that has stopped."""
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


def test_listed_and_not_described_is_there_all_the_same() -> None:
    """The two calls are eventually consistent each by itself."""
    bench = Bench()
    arn = bench.task(1)
    bench.ecs.describe_tasks = lambda **_: {"failures": [{"arn": arn, "reason": "MISSING"}]}  # type: ignore[method-assign]
    bench.reconciler.ask([], [launch_id(1)])
    bench.run()
    assert bench.said[0].ecs_task.arn == arn


def test_not_found_is_believed_when_it_could_have_been_seen() -> None:
    """Looked for twice, fifteen seconds apart; only then is it told."""
    bench = Bench()
    bench.reconciler.ask([], [launch_id(1)])
    bench.run(14.0)
    assert bench.said == []
    bench.run(4.0)
    assert bench.said == [NotFound(launch_id(1))]


def test_what_comes_to_be_listed_meanwhile_is_found() -> None:
    """The youngest container appears between the two looks."""
    bench = Bench()
    bench.reconciler.ask([], [launch_id(1)])
    bench.run()
    bench.task(1)
    bench.run(20.0)
    assert [type(each) for each in bench.said] == [Accepted]
