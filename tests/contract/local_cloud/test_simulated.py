"""The simulated engine: scripted lives and faults, all from a seed and a clock that a test moves."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.local_cloud.worlds import SimulatedWorld
from local_cloud import (
    Behaviour,
    EventFaults,
    Fault,
    Limits,
    fails_to_start,
    host_failed,
    spot_interrupted,
    spot_taken_before_start,
)
from local_cloud.lifecycle import NEXT, RANK, Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud import Task

HOUR = 3600.0


def code(call: Callable[..., Any], **parameters: Any) -> str:
    """The error code a call answers with, "" when it answers."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_time_stands_still_until_it_is_moved(simulated: SimulatedWorld) -> None:
    """Without advance nothing happens; with it every step comes at its own second."""
    arn = simulated.start(behaviour=Behaviour(provisioning=2, pending=3, run=10, deprovisioning=2))
    begun = simulated.clock.now()
    seen = []
    for _ in range(20):
        seen.append((simulated.clock.now() - begun, simulated.describe(arn)["lastStatus"]))
        simulated.clock.advance(1)
    firsts = {status: at for at, status in reversed(seen)}
    assert firsts == {"PROVISIONING": 0, "PENDING": 2, "RUNNING": 5, "DEPROVISIONING": 15, "STOPPED": 17}


def test_the_same_seed_lives_the_same_life() -> None:
    """Ids, durations, faults, events: equal for equal seeds, different for others."""

    def life(seed: int) -> list[object]:
        world = SimulatedWorld(seed)
        world.behave(Behaviour(run=(1, 100)))
        world.plane.faults.add(Fault("throttle", operations=("RunTask",), probability=0.3))
        world.plane.faults.events = EventFaults(lost=0.1, duplicated=0.1, delayed=0.1)
        request = world.request(world.define())
        answers = [code(world.ecs.run_task, **request) for _ in range(20)]
        world.clock.advance(200)
        arrived = [(event["id"], event["time"], event["detail"]["lastStatus"]) for event in world.arrived]
        return [answers, arrived, [task.task_id for task in world.plane.tasks()]]

    assert life(1) == life(1)
    assert life(1) != life(2)


@pytest.mark.parametrize(
    ("behaviour", "stop_code", "ran", "exit_code"),
    [
        (Behaviour(exit_code=1), "EssentialContainerExited", True, 1),
        (fails_to_start(), "TaskFailedToStart", False, None),
        (spot_interrupted(), "SpotInterruption", True, 143),
        (spot_taken_before_start(), "SpotInterruption", False, None),
        (host_failed(), "InfrastructureHealth", True, None),
        (Behaviour(stop_code="TerminationNotice", stopped_reason="x"), "TerminationNotice", True, 143),
    ],
)
def test_every_end_can_be_scripted(
    simulated: SimulatedWorld,
    behaviour: Behaviour,
    stop_code: str,
    ran: bool,  # noqa: FBT001 - a column of the table
    exit_code: int | None,
) -> None:
    """Stop code, whether it ever ran, and the exit code or its absence."""
    task = simulated.ended(simulated.start(behaviour=behaviour))
    assert task["stopCode"] == stop_code
    assert ("startedAt" in task) is ran
    assert task["containers"][0].get("exitCode") == exit_code


def test_a_task_can_be_stopped_in_any_state(simulated: SimulatedWorld) -> None:
    """StopTask half-way through each state: UserInitiated, and it ran only if it had begun to."""
    life = Behaviour(2, 2, 2, 2, 2, 2, 2)
    for status in list(NEXT)[:4]:
        arn = simulated.start(behaviour=life)
        simulated.until(arn, status)
        simulated.clock.advance(1)
        simulated.ecs.stop_task(cluster=simulated.cluster, task=arn, reason="r")
        task = simulated.ended(arn)
        assert task["stopCode"] == "UserInitiated"
        assert ("startedAt" in task) is (status == "RUNNING")


@pytest.mark.parametrize("status", list(NEXT)[1:4])
def test_a_stop_that_overtakes_a_step_breaks_nothing(
    simulated: SimulatedWorld, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """The calls' thread may stop a task between the moment a step is due and its being told."""
    arn, tell = simulated.start(), simulated.plane.progress

    def overtaken(which: str, change: Change) -> Task:
        if change.status == status:
            simulated.ecs.stop_task(cluster=simulated.cluster, task=arn)
        return tell(which, change)

    monkeypatch.setattr(simulated.plane, "progress", overtaken)
    assert simulated.ended(arn)["stopCode"] == "UserInitiated"


def test_behaviours_are_chosen_by_order_then_by_task_then_by_default(simulated: SimulatedWorld) -> None:
    """next_behaviours first, then what `choose` says, then the default."""
    engine = simulated.engine
    engine.next_behaviours.append(Behaviour(exit_code=1))
    engine.choose = lambda task: Behaviour(exit_code=2) if task.started_by == "two" else None
    request = simulated.request(simulated.define())
    arns = [
        simulated.ecs.run_task(**request, startedBy=by)["tasks"][0]["taskArn"] for by in ("two", "two", "x")
    ]
    assert [simulated.ended(arn)["containers"][0]["exitCode"] for arn in arns] == [1, 2, 0]


def test_a_test_can_end_a_task_when_it_likes(simulated: SimulatedWorld) -> None:
    """exit_now: the container has just exited."""
    arn = simulated.start(behaviour=Behaviour(run=None))
    simulated.until(arn, "RUNNING")
    simulated.engine.exit_now(arn, 9)
    assert simulated.ended(arn)["containers"][0]["exitCode"] == 9


def test_a_stopped_task_is_shown_for_an_hour(simulated: SimulatedWorld) -> None:
    """Then it is MISSING, no longer listed, and its client token is free again."""
    arn = simulated.start(clientToken="token")
    simulated.ended(arn)
    family = simulated.describe(arn)["group"].removeprefix("family:")
    simulated.clock.advance(HOUR - 1)
    assert simulated.describe(arn)["lastStatus"] == "STOPPED"
    simulated.clock.advance(2)
    answer = simulated.ecs.describe_tasks(cluster=simulated.cluster, tasks=[arn])
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert simulated.ecs.list_tasks(cluster=simulated.cluster, desiredStatus="STOPPED")["taskArns"] == []
    again = simulated.ecs.run_task(**simulated.request(family, clientToken="token"))
    assert again["tasks"][0]["taskArn"] != arn


def test_what_is_forgotten_leaves_nothing_behind(simulated: SimulatedWorld) -> None:
    """Days of tasks do not fill the memory: an hour after its end nothing but the history knows a task."""
    family = simulated.define()
    for number in range(20):
        request = simulated.request(family, clientToken=f"t{number}", startedBy=f"me/{number}")
        arn = simulated.ecs.run_task(**request)["tasks"][0]["taskArn"]
        if number % 2:
            simulated.ecs.stop_task(cluster=simulated.cluster, task=arn)
    simulated.clock.advance(HOUR + 100)
    plane, table = simulated.plane, simulated.plane._table
    kept = (table._tasks, table._number, table._started_by, plane._stop_sent, plane._tokens._launches)
    assert [len(each) for each in kept] == [0] * 5
    assert len(simulated.engine._lives) == 0
    assert simulated.clock.next_due() is None
    assert len(plane.tasks()) == 20


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
    assert code(simulated.ecs.run_task, **request) == "ThrottlingException"
    with pytest.raises(ClientError) as raised:
        simulated.ecs.run_task(**request)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"
    assert "Rate exceeded (ErrorCode: Throttling)" in raised.value.response["Error"]["Message"]
    assert code(simulated.ecs.run_task, **request) == ""


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
        return sum(code(call, **parameters) == "" for _ in range(200))

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
            code(simulated.ecs.run_task, **request)
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


def test_events_are_lost_doubled_and_overtaken_as_scripted(simulated: SimulatedWorld) -> None:
    """Duplicates share id and version; late ones come after newer versions; calls know the truth."""
    queue = simulated.plane.client("sqs")
    simulated.plane.faults.events = EventFaults(lost=0.2, duplicated=0.2, delayed=0.3)
    arns = [simulated.start() for _ in range(50)]
    simulated.clock.advance(60)
    injected = simulated.plane.faults.injected
    assert min(injected[f"event_{kind}"] for kind in ("lost", "duplicated", "delayed")) > 10
    sent = 50 * len(NEXT)
    assert len(queue) == sent - injected["event_lost"] + injected["event_duplicated"]
    events = [event for arn in arns for event in simulated.events(arn)]
    assert len({event["id"] for event in events}) == sent - injected["event_lost"]
    versions = [[event["detail"]["version"] for event in simulated.events(arn)] for arn in arns]
    assert any(order != sorted(order) for order in versions)
    assert {simulated.describe(arn)["lastStatus"] for arn in arns} == {"STOPPED"}


def test_every_event_can_take_its_time(simulated: SimulatedWorld) -> None:
    """With a transit of a second an event is there a second after the change, and in order."""
    simulated.plane.faults.events = EventFaults(transit=1.0)
    arn = simulated.start(behaviour=Behaviour(provisioning=5))
    simulated.clock.advance(0.9)
    assert simulated.events(arn) == []
    simulated.clock.advance(0.2)
    assert [event["detail"]["version"] for event in simulated.events(arn)] == [1]
    simulated.clock.advance(60)
    versions = [event["detail"]["version"] for event in simulated.events(arn)]
    assert versions == list(range(1, len(NEXT) + 1))


def test_the_queue_behaves_as_sqs_does(simulated: SimulatedWorld) -> None:
    """Visibility on the clock, receive counts, batches, dead letters; an empty queue keeps nobody waiting."""
    queue = simulated.plane.client("sqs", visibility_timeout=30, max_receive_count=2)
    url = {"QueueUrl": "any"}
    assert "Messages" not in queue.receive_message(**url, WaitTimeSeconds=20)
    queue.put("poison")
    for count in ("1", "2"):
        message = queue.receive_message(**url, MaxNumberOfMessages=10)["Messages"][0]
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        assert "Messages" not in queue.receive_message(**url)
        simulated.clock.advance(30)
    assert "Messages" not in queue.receive_message(**url)
    assert queue.dead_letters == ["poison"]
    queue.put("good")
    handle = queue.receive_message(**url)["Messages"][0]["ReceiptHandle"]
    queue.change_message_visibility(**url, ReceiptHandle=handle, VisibilityTimeout=5)
    simulated.clock.advance(5)
    handle = queue.receive_message(**url)["Messages"][0]["ReceiptHandle"]
    entries = [{"Id": "a", "ReceiptHandle": handle}, {"Id": "b", "ReceiptHandle": "strange"}]
    answer = queue.delete_message_batch(**url, Entries=entries)
    assert ([e["Id"] for e in answer["Successful"]], [e["Id"] for e in answer["Failed"]]) == (["a"], ["b"])
    assert len(queue) == 0


LIVES = st.builds(
    Behaviour,
    provisioning=st.floats(0, 5),
    pending=st.floats(0, 5),
    activating=st.floats(0, 5),
    run=st.none() | st.floats(0, 20),
    stopping=st.floats(0, 60),
    deprovisioning=st.floats(0, 5),
    exit_code=st.integers(0, 255),
    fails_in=st.sampled_from([None, None, "PROVISIONING", "PENDING"]),
    stop_code=st.sampled_from([None, None, "SpotInterruption", "InfrastructureHealth"]),
)


@settings(max_examples=60, deadline=None)
@given(lives=st.lists(st.tuples(LIVES, st.none() | st.floats(0, 40)), min_size=1, max_size=5))
def test_no_script_and_no_stop_breaks_the_rules(lives: list[tuple[Behaviour, float | None]]) -> None:
    """Any lives, stopped at any moment: forward along the table, versions by one, a cause at the end."""
    world = SimulatedWorld()
    arns = []
    for behaviour, stop_after in lives:
        arn = world.start(behaviour=behaviour)
        arns.append(arn)
        if stop_after is not None or behaviour.run is None:
            stop = partial(world.ecs.stop_task, cluster=world.cluster, task=arn)
            world.clock.call_later(stop_after or 30, stop)
    world.clock.advance(500)
    for arn in arns:
        details = [event["detail"] for event in world.events(arn)]
        assert [detail["version"] for detail in details] == list(range(1, len(details) + 1))
        statuses = [status for status, _ in itertools.groupby(detail["lastStatus"] for detail in details)]
        assert all(after in NEXT[before] for before, after in itertools.pairwise(statuses))
        assert [RANK[status] for status in statuses] == sorted(RANK[status] for status in statuses)
        assert statuses[-1] == "STOPPED"
        assert details[-1]["stopCode"]
        assert details[-1]["containers"][0].get("exitCode") is None or "startedAt" in details[-1]
