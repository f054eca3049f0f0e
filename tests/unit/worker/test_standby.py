"""A standby container's wait: what it does with an offer, SIGTERM, age and a failing S3."""

from __future__ import annotations

import json

import pytest

from airflow_fargate.exit_codes import ExitCode
from airflow_fargate.worker.errors import WorkerError
from airflow_fargate.worker.standby import BLIND_SECONDS, Departure, Standby

DOCUMENT = json.dumps(
    {
        "format": 1,
        "airflow_version": "3.3.2",
        "launch_id": "L",
        "key": "k",
        "workload": {"token": "secret"},
    }
)
OFFER, ANSWER = "standby/S/offer", "standby/S/answer"
REFERENCE = "s3://payloads/standby/S"
FAILS = WorkerError(ExitCode.TOKEN_REJECTED, "S3 refused")


class Stopped(BaseException):
    """Stands for the end of this process."""


class Store:
    """S3: objects, and how many reads from now on fail."""

    def __init__(self, **objects):
        self.objects = {OFFER: json.dumps({"open": {"poll": 1.0, "idle": 100.0}})} | objects
        self.failing = 0

    def fetch_unless(self, bucket, key, etag):
        if self.failing:
            self.failing -= 1
            raise FAILS
        content = self.objects[key]
        return None if content == etag else (content.encode(), content)

    def write_once(self, bucket, key, body):
        if key in self.objects:
            return False
        self.objects[key] = body.decode()
        return True

    def delete(self, bucket, key):
        del self.objects[key]

    def answer(self):
        return json.loads(self.objects.get(ANSWER, "null"))


def leave():
    """End this process at once."""
    raise Stopped


class Clock(Departure):
    """Time that passes while the standby waits; `happens` maps a second to what happens then."""

    def __init__(self, **happens):
        super().__init__(leave)
        self.now = 0.0
        self.happens = {int(second.removeprefix("at_")): act for second, act in happens.items()}

    def wait(self, seconds):
        self.now += seconds
        if act := self.happens.pop(int(self.now), None):
            act()
        return super().wait(0)


def stand_by(store, clock):
    """Let it wait; return its payload and what it said."""
    said = []
    standby = Standby(REFERENCE, store, clock, said.append, lambda: clock.now, prepare=lambda _: None)
    return standby.wait(), "\n".join(said)


def offers(store, **content):
    """Return an act: a scheduler replaces the offer."""
    return lambda: store.objects.update({OFFER: json.dumps(content)})


def test_it_claims_its_offer_and_deletes_the_token_before_it_runs():
    """The answer names the launch, and the offer with the token is gone."""
    store = Store()
    payload, _ = stand_by(store, Clock(at_3=offers(store, launch="L", payload=DOCUMENT)))
    assert payload is not None
    assert payload.launch_id == "L"
    assert store.objects == {ANSWER: '{"took": "L"}'}


def test_an_offer_that_was_taken_back_is_not_run():
    """It hung, and the scheduler was first to answer."""
    store = Store()
    clock = Clock(at_3=offers(store, launch="L", payload=DOCUMENT))
    store.objects[ANSWER] = '{"recalled": "L"}'
    payload, said = stand_by(store, clock)
    assert payload is None
    assert "taken back" in said


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda store: Clock(at_5=lambda: clock_of(store).ask()), "SIGTERM"),
        (lambda store: Clock(), "no task within 100 s"),
        (lambda store: Clock(at_5=offers(store, dismissed="surplus")), "surplus"),
        (lambda store: Clock(at_5=offers(store, odd=1)), "its offer is not understood"),
        (lambda store: Clock(at_1=lambda: setattr(store, "failing", 1000)), "no task within 100 s"),
    ],
    ids=["SIGTERM", "idle", "dismissed", "odd", "blind"],
)
def test_it_leaves_an_answer_before_it_exits_without_a_task(happens, why):
    """So that no scheduler waits for it."""
    store = Store()
    clock = store.clock = happens(store)
    payload, said = stand_by(store, clock)
    assert payload is None
    assert store.answer() == {"left": why}
    assert why in said


def clock_of(store):
    """Return the clock that a test gave a store."""
    return store.clock


def test_it_leaves_once_s3_has_failed_for_long_and_forgives_a_moment():
    """A single failed poll is nothing; five minutes of them are."""
    store = Store()
    store.objects[OFFER] = json.dumps({"open": {"poll": 1.0, "idle": 10_000.0}})
    clock = Clock(at_1=lambda: setattr(store, "failing", 10), at_50=lambda: setattr(store, "failing", 10**6))
    _, said = stand_by(store, clock)
    assert store.answer() == {"left": f"S3 has failed for {BLIND_SECONDS:g} s"}
    assert 49 + BLIND_SECONDS <= clock.now <= 52 + BLIND_SECONDS
    assert "S3 refused" in said


def test_sigterm_after_the_claim_ends_it_at_once_as_any_container():
    """Nothing of the task has run, and the exit code says that it was stopped."""
    store = Store()
    clock = Clock()
    store.objects[OFFER] = json.dumps({"launch": "L", "payload": DOCUMENT})
    clock.ask()
    with pytest.raises(Stopped):
        stand_by(store, clock)
    assert store.answer() == {"took": "L"}


def test_a_lost_answer_to_the_claim_is_resolved_by_reading():
    """S3 took the first write, the repeat is rejected, and the object is ours."""
    store = Store(**{ANSWER: '{"took": "L"}'})
    payload, _ = stand_by(store, Clock(at_3=offers(store, launch="L", payload=DOCUMENT)))
    assert payload is not None


@pytest.mark.parametrize("reference", ["json:{}", "s3://payloads", "s3://payloads/workloads/S.json"])
def test_a_reference_to_something_else_is_a_bad_command(reference):
    """The sentence names what was given."""
    with pytest.raises(WorkerError, match="not s3://BUCKET/standby/ID") as caught:
        Standby(reference, Store(), Clock(), print)
    assert caught.value.code is ExitCode.BAD_COMMAND
