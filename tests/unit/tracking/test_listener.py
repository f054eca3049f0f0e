"""From the queue to the registry: no event is lost or delayed."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_fargate.tasks.messages import Seen
from airflow_fargate.testing import ManualClock
from airflow_fargate.tracking.listener import Listener
from aws_model import modelled
from unit.examples import QUEUE_URL, a_task


class Queue:
    """SQS as the listener calls it; ``waiting`` is what the next receive returns."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.waiting: list[dict[str, Any]] = []
        self.calls: list[tuple[str, list[str]]] = []
        self.asked: dict[str, Any] = {}
        self.hidden: list[int] = []
        self.has_date = True

    def put(self, body: str, age: float = 0.0, received: int = 1) -> None:
        sent = str(int((self.clock.time() - age) * 1000))
        number = str(len(self.waiting))
        self.waiting.append(
            {
                "MessageId": number,
                "Body": body,
                "ReceiptHandle": number,
                "Attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": str(received)},
            }
        )

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        headers = {"date": format_datetime(datetime.fromtimestamp(self.clock.time(), tz=timezone.utc))}
        answer = {"ResponseMetadata": {"HTTPHeaders": headers if self.has_date else {}}}
        return {"Messages": self.waiting, **answer} if self.waiting else answer

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("delete", [each["ReceiptHandle"] for each in request["Entries"]]))
        return {"Failed": [{"Id": "0", "Code": "InternalError"}]}

    def change_message_visibility_batch(self, **request: Any) -> None:
        self.hidden = [each["VisibilityTimeout"] for each in request["Entries"]]
        self.calls.append(("hand back", [each["ReceiptHandle"] for each in request["Entries"]]))


class Bench:
    """A listener that tracks tasks started by ``mine``, in a deployment that includes ``theirs``."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.queue = Queue(self.clock)
        self.said: list[Any] = []
        self.listener = Listener(
            {"sqs": modelled("sqs", self.queue)}.__getitem__,
            QUEUE_URL,
            lambda ecs_task: ecs_task.started_by == "mine",
            lambda ecs_task: ecs_task.started_by in ("mine", "theirs"),
            self.clock.time,
            self.said.append,
        )


def event(started_by: str) -> str:
    """Return the body of an event of a task."""
    detail = a_task(startedBy=started_by)
    return json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail})


def test_our_events_are_posted_and_deleted() -> None:
    """One message for the registry, and one delete call for the batch."""
    bench = Bench()
    bench.queue.put(event("mine"))
    bench.queue.put(event("mine"))
    bench.listener.receive()
    assert [type(each) for each in bench.said] == [Seen, Seen]
    assert bench.queue.calls == [("delete", ["0", "1"])]


def test_it_uses_long_polls_and_batches() -> None:
    """20 seconds, ten messages, and the time at which each was sent."""
    bench = Bench()
    assert bench.listener.receive() == 0.0
    assert bench.queue.asked["WaitTimeSeconds"] == 20
    assert bench.queue.asked["MaxNumberOfMessages"] == 10
    assert bench.queue.asked["QueueUrl"] == QUEUE_URL
    assert "SentTimestamp" in bench.queue.asked["MessageSystemAttributeNames"]
    assert bench.queue.calls == []


@pytest.mark.parametrize(("count", "pauses"), [(0, False), (1, True), (9, True), (10, False)])
def test_frequent_events_are_received_in_batches(count: int, pauses: bool) -> None:  # noqa: FBT001
    """A short pause saves most of the calls; a full or empty queue needs none."""
    bench = Bench()
    bench.queue.put(event("mine"))
    bench.listener.receive()
    bench.clock.advance(0.05)
    bench.queue.waiting = []
    for _ in range(count):
        bench.queue.put(event("mine"))
    assert (bench.listener.receive() > 0) is pauses


def test_a_single_event_is_not_delayed() -> None:
    """A pause would save nothing."""
    bench = Bench()
    for _ in range(3):
        bench.queue.waiting = []
        bench.queue.put(event("mine"))
        assert bench.listener.receive() == 0.0
        bench.clock.advance(0.2)


def test_batches_continue_at_a_steady_rate() -> None:
    """At ten tasks per second, the pause itself fills the batches."""
    bench = Bench()
    bench.queue.put(event("mine"))
    bench.queue.put(event("mine"))
    assert bench.listener.receive() > 0


def test_it_pauses_after_it_handed_events_back() -> None:
    """Receiving at once would return the same events."""
    bench = Bench()
    bench.queue.put(event("theirs"))
    assert bench.listener.receive() > 0


def test_the_pause_depends_on_the_share_of_other_schedulers() -> None:
    """A scheduler with more of the events pauses less."""

    def pause(theirs: int, ours: int) -> float:
        bench = Bench()
        for name in ["theirs"] * theirs + ["mine"] * ours:
            bench.queue.put(event(name))
        bench.listener._batch_at = bench.clock.time()  # busy all along
        return bench.listener.receive()

    assert 0 < pause(4, 0) < pause(2, 2) < pause(0, 4)
    assert pause(9, 1) == 0.0  # a full batch: there is more to move


def test_events_are_handed_back_before_others_are_deleted() -> None:
    """The other scheduler does not wait for our deletion."""
    bench = Bench()
    bench.queue.put(event("mine"))
    bench.queue.put(event("theirs"))
    bench.listener.receive()
    assert [name for name, _ in bench.queue.calls] == ["hand back", "delete"]


def test_events_of_other_deployments_are_deleted() -> None:
    """They are not posted."""
    bench = Bench()
    bench.queue.put(event("elsewhere"))
    bench.listener.receive()
    assert bench.said == []
    assert bench.queue.calls == [("delete", ["0"])]


@pytest.mark.parametrize(("age", "call"), [(0.0, "hand back"), (9.0, "hand back"), (11.0, "delete")])
def test_another_schedulers_event_is_handed_back_while_it_is_young(age: float, call: str) -> None:
    """It is visible at once for its owner. If nobody takes it, reconciling finds the task."""
    bench = Bench()
    bench.queue.put(event("theirs"), age)
    bench.listener.receive()
    assert bench.said == []
    assert bench.queue.calls == [(call, ["0"])]
    assert set(bench.queue.hidden) <= {0}


def test_a_wrong_clock_drops_no_event() -> None:
    """The age of an event is measured by SQS's clock."""
    bench = Bench()
    bench.listener._now = lambda: bench.clock.time() + 3600
    bench.queue.put(event("theirs"))
    bench.listener.receive()
    assert bench.queue.calls == [("hand back", ["0"])]


def test_without_a_date_header_receive_counts_give_the_age() -> None:
    """A proxy may remove the header."""
    bench = Bench()
    bench.queue.has_date = False
    for received in (1, 18, 19):
        bench.queue.put(event("theirs"), age=3600, received=received)
    bench.listener.receive()
    assert bench.queue.calls == [("hand back", ["0", "1"]), ("delete", ["2"])]


def test_an_event_without_an_owner_is_not_received_for_ever() -> None:
    """After a scheduler was killed, it would end in the dead-letter queue."""
    bench = Bench()
    for received in (8, 9, 99):
        bench.queue.put(event("theirs"), received=received)
    bench.listener.receive()
    assert bench.queue.hidden == [0, 1, 1]


@pytest.mark.parametrize(
    "body", ["", "not json", "[" * 100_000, "{}", json.dumps({"source": "aws.ecs", "detail": 1})]
)
def test_a_poison_message_is_left_for_the_dead_letter_queue(body: str) -> None:
    """It is neither deleted nor handed back, and the other messages are handled."""
    bench = Bench()
    bench.queue.put(body)
    bench.queue.put(event("mine"))
    bench.listener.receive()
    assert len(bench.said) == 1
    assert bench.queue.calls == [("delete", ["1"])]


def test_a_poison_message_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """It is received many times on its way to the dead-letter queue."""
    bench = Bench()
    for received in range(1, 101):
        bench.queue.put("not json", received=received)
    bench.listener.receive()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert sum(bench.listener._metrics._counts.values()) == 1


def test_a_message_without_attributes_counts_as_old() -> None:
    """Its age is unknown, so it is not kept for an owner."""
    bench = Bench()
    bench.queue.put(event("theirs"))
    del bench.queue.waiting[0]["Attributes"]
    bench.listener.receive()
    assert bench.queue.calls == [("delete", ["0"])]
