"""The simulated cloud's calls: scripted faults, limits, capacity, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from contract.local_cloud.worlds import SimulatedWorld, error_code
from local_cloud import Behaviour, Fault, Limits

if TYPE_CHECKING:
    from collections.abc import Callable


def test_pages_of_list_tasks_hold_every_task_once(simulated: SimulatedWorld) -> None:
    """MaxResults and nextToken, filtered by family and status."""
    simulated.behave(Behaviour(run=None))
    family, other = simulated.define(), simulated.define()
    wanted = {simulated.ecs.run_task(**simulated.request(family))["tasks"][0]["taskArn"] for _ in range(25)}
    simulated.ecs.run_task(**simulated.request(other))
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        answer = simulated.ecs.list_tasks(cluster=simulated.cluster, family=family, maxResults=10, **more)
        assert len(answer["taskArns"]) <= 10
        found += answer["taskArns"]
        if "nextToken" not in answer:
            break
        more = {"nextToken": answer["nextToken"]}
    assert len(found) == 25
    assert set(found) == wanted


def test_capacity_providers_are_filled_base_first_then_by_weight(simulated: SimulatedWorld) -> None:
    """A base of 1 on FARGATE and 1:3 beyond it, over eight tasks in calls of their own."""
    simulated.behave(Behaviour(run=None))
    strategy = [
        {"capacityProvider": "FARGATE", "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    request = simulated.request(simulated.define(), capacityProviderStrategy=strategy)
    chosen = [simulated.ecs.run_task(**request)["tasks"][0]["capacityProviderName"] for _ in range(8)]
    assert sorted(chosen) == ["FARGATE"] * 2 + ["FARGATE_SPOT"] * 6
    based = [{**strategy[0], "base": 3}, strategy[1]]
    tasks = simulated.ecs.run_task(**{**request, "capacityProviderStrategy": based, "count": 4})["tasks"]
    assert [task["capacityProviderName"] for task in tasks] == ["FARGATE"] * 3 + ["FARGATE_SPOT"]


def test_throttling_comes_in_both_its_forms(simulated: SimulatedWorld) -> None:
    """As ThrottlingException, and hidden in the message of an InvalidParameterException."""
    request = simulated.request(simulated.define())
    simulated.plane.faults.add(Fault("throttle", times=1), Fault("hidden_throttle", times=1))
    assert error_code(simulated.ecs.run_task, **request) == "ThrottlingException"
    with pytest.raises(ClientError) as raised:
        simulated.ecs.run_task(**request)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"
    assert "Rate exceeded (ErrorCode: Throttling)" in raised.value.response["Error"]["Message"]
    assert error_code(simulated.ecs.run_task, **request) == ""


def test_a_server_error_may_have_done_its_work(simulated: SimulatedWorld) -> None:
    """server_error launches nothing, server_error_after has launched; both are HTTP 500."""
    request = simulated.request(simulated.define(), clientToken="token")
    for kind, launched in (("server_error", 0), ("server_error_after", 1)):
        simulated.plane.faults.add(Fault(kind, times=1))
        with pytest.raises(ClientError) as raised:
            simulated.ecs.run_task(**request)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert len(simulated.plane.tasks()) == launched


def test_a_lost_answer_is_a_read_timeout_and_a_task(simulated: SimulatedWorld) -> None:
    """The same token finds what was launched."""
    waited: list[float] = []
    ecs = simulated.plane.client("ecs", wait=waited.append)
    request = simulated.request(simulated.define(), clientToken="token")
    simulated.plane.faults.add(Fault("lost", operations=("RunTask",), times=1, delay=8.0))
    with pytest.raises(ReadTimeoutError):
        ecs.run_task(**request)
    assert waited == [8.0]
    assert ecs.run_task(**request)["tasks"][0]["taskArn"] == simulated.plane.tasks()[0].arn
    assert len(simulated.plane.tasks()) == 1


def test_capacity_can_be_refused_by_provider_and_for_a_while(simulated: SimulatedWorld) -> None:
    """failures[] without tasks on Spot between its 10th and 20th second; On-Demand has capacity."""
    family = simulated.define()
    spot = simulated.request(family, capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}])
    simulated.plane.faults.add(Fault("capacity", provider="FARGATE_SPOT", after=10, until=20))
    outcomes = []
    for _ in range(3):
        answer = simulated.ecs.run_task(**spot)
        outcomes.append((len(answer["tasks"]), [failure["reason"][:23] for failure in answer["failures"]]))
        assert simulated.ecs.run_task(**simulated.request(family))["failures"] == []
        simulated.clock.advance(10)
    assert outcomes == [(1, []), (0, ["Capacity is unavailable"]), (1, [])]


def test_a_refused_launch_leaves_its_token_free(simulated: SimulatedWorld) -> None:
    """The same token launches once there is capacity again."""
    request = simulated.request(simulated.define(), clientToken="token")
    simulated.plane.faults.add(Fault("capacity", times=1))
    assert simulated.ecs.run_task(**request)["tasks"] == []
    assert len(simulated.ecs.run_task(**request)["tasks"]) == 1


def test_awss_limits_are_token_buckets(simulated: SimulatedWorld) -> None:
    """With Fargate 20 RunTask calls at once, then 20 a second; 100 DescribeTasks, then 20 a second."""
    simulated.plane.faults.limits = Limits()
    family = simulated.define()

    def burst(call: Callable[..., Any], **parameters: Any) -> int:
        return sum(error_code(call, **parameters) == "" for _ in range(200))

    assert burst(simulated.ecs.run_task, **simulated.request(family)) == 20
    simulated.clock.advance(0.5)
    assert burst(simulated.ecs.run_task, **simulated.request(family)) == 10
    described = {"cluster": simulated.cluster, "tasks": [simulated.plane.tasks()[0].arn]}
    assert burst(simulated.ecs.describe_tasks, **described) == 100
    simulated.clock.advance(1)
    assert burst(simulated.ecs.describe_tasks, **described) == 20


def test_launches_have_a_limit_of_their_own(simulated: SimulatedWorld) -> None:
    """Ten tasks a call: 100 on each provider at once, whatever the calls would allow."""
    simulated.plane.faults.limits = Limits()
    family = simulated.define()
    for request in (
        simulated.request(family, count=10),
        simulated.request(family, count=10, capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}]),
    ):
        before = len(simulated.plane.tasks())
        for _ in range(15):
            error_code(simulated.ecs.run_task, **request)
        assert len(simulated.plane.tasks()) - before == 100
        simulated.clock.advance(1)  # for the limit of calls, which both share


def test_a_young_task_can_be_absent_from_describe_and_list(simulated: SimulatedWorld) -> None:
    """For describe_lag seconds it is MISSING; it is there all the same."""
    simulated.plane.faults.describe_lag = 2.0
    arn = simulated.start(behaviour=Behaviour(run=None))
    ask = {"cluster": simulated.cluster, "tasks": [arn]}
    assert simulated.ecs.describe_tasks(**ask)["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert simulated.ecs.list_tasks(cluster=simulated.cluster)["taskArns"] == []
    simulated.clock.advance(2)
    assert simulated.ecs.describe_tasks(**ask)["tasks"][0]["taskArn"] == arn
