"""The standby protocol: an exhaustive search over the real module, and each rule shown to be needed."""

from __future__ import annotations

import pytest

from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Replace, WriteOnce
from unit.standby.model import Model, complaint, container, dismisser, new_scheduler, scheduler

ACCEPTED, REJECTED = True, False
ONE = {
    "L1 queued": scheduler("L1", "S1"),
    "L1 adopted": new_scheduler("L1"),
    "S1": container("S1"),
}
"""A launch, its standby, and a new scheduler."""
MORE = {
    "two launches, one standby": {"L2 queued": scheduler("L2", "S1")},
    "one launch, two standbys": {"L1 queued": scheduler("L1", "S1", "S2"), "S2": container("S2")},
    "two new schedulers": {"L1 adopted again": new_scheduler("L1")},
    "adopted while it runs": {"L1 adopted again": new_scheduler("L1", queued=False)},
    "dismissed": {"dismisser": dismisser("S1")},
}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
def test_no_launch_ever_runs_twice(more):
    """In every order of events, with any answer lost, and with anyone stopping anywhere.

    `python -m unit.standby.model` in `tests` searches all of it at once: 1,900,996 states in a minute.
    """
    states, wrong = Model(ONE | more).search(complaint)
    assert wrong == ""
    assert states > 3_000


def is_fate(party, write):
    """The scheduler decides on a standby."""
    return isinstance(write, WriteOnce) and write.content.get("standby")


def is_fence(party, write):
    """A new scheduler decides on a cold launch."""
    return isinstance(write, WriteOnce) and "cold" in write.content


def is_recall(party, write):
    """A scheduler takes an offer back."""
    return isinstance(write, WriteOnce) and "recalled" in write.content


def is_claim(party, write):
    """A container takes an offer."""
    return isinstance(write, WriteOnce) and "took" in write.content


@pytest.mark.parametrize("rule", [is_fate, is_fence, is_recall, is_claim], ids=lambda rule: rule.__name__)
def test_each_of_the_four_rules_is_needed(rule):
    """Without the fate, the new scheduler's fate, the recall, or the claim, a launch runs twice."""
    _, wrong = Model(ONE, ignored=rule).search(complaint)
    assert wrong == "L1 runs in S1, cold"


def run(steps, *answers):
    """Send a generator these answers; return its operations and its result."""
    operations = [next(steps)]
    for answer in answers:
        try:
            operations.append(steps.send(answer))
        except StopIteration as end:
            return operations, end.value
    raise AssertionError(f"not done after {operations}")


def test_a_token_is_made_only_for_a_launch_whose_fate_is_the_standby():
    """The document is made after the fate was accepted, and goes into the offer alone."""
    operations, decided = run(protocol.decide("L", "S", "arn"), ACCEPTED)
    assert decided
    assert operations == [WriteOnce("launches/L", {"standby": "S", "arn": "arn"})]
    operations, offered = run(protocol.make_offer("L", "S", "etag", lambda: "token"), ACCEPTED)
    assert offered
    assert operations == [Replace("standby/S/offer", {"launch": "L", "payload": "token"}, "etag")]


def test_a_standby_that_somebody_else_used_before_is_no_offer():
    """Its offer is gone, its answer names another launch: the launch is launched cold at once."""
    steps = protocol.make_offer("L", "S", "etag", lambda: "token")
    assert run(steps, REJECTED, None, {"took": "another"})[1] is False


def test_an_object_that_exists_and_is_not_found_is_no_answer():
    """A lifecycle rule that deletes answers too early must not look like a recall that was accepted."""
    steps = protocol.recall("L", "S")
    next(steps)
    steps.send(REJECTED)
    with pytest.raises(protocol.InconsistentError, match="standby/S/answer"):
        steps.send(None)
