"""The simulated cloud's events and its queue: lost, doubled, overtaken, redelivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud import Behaviour, EventFaults
from local_cloud.ecs.lifecycle import NEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.local_cloud.worlds import SimulatedWorld


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


def test_a_queue_that_is_gone_keeps_nothing_and_hears_nothing(simulated: SimulatedWorld) -> None:
    """Purged, and deaf for a while: what was in it and what happens meanwhile is lost, later events not."""
    queue = simulated.plane.client("sqs")
    arn = simulated.start(behaviour=Behaviour(provisioning=5, pending=5, run=20))
    assert len(queue) == 1
    queue.purge()
    queue.deaf_until = simulated.clock.now() + 15
    simulated.clock.advance(15)
    assert len(queue) == 0
    simulated.ended(arn)
    assert len(queue) > 0


def test_a_carrier_decides_when_and_whether_an_event_arrives(simulated: SimulatedWorld) -> None:
    """Between the plane and those who subscribed before; who subscribes after it is told at once."""
    slow: list[str] = []
    simulated.plane.subscribe(lambda event: slow.append(event.task.last_status))
    carried: list[Callable[[], None]] = []
    simulated.plane.deliver_through(lambda event, receive: carried.append(lambda: receive(event)))
    quick: list[str] = []
    simulated.plane.subscribe(lambda event: quick.append(event.task.last_status))
    simulated.start()
    assert (slow, quick) == ([], ["PROVISIONING"])
    for call in carried:
        call()
    assert slow == ["PROVISIONING"]
