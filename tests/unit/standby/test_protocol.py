"""The standby protocol: an exhaustive search over the real module, and each rule shown to be needed."""

from __future__ import annotations

import pytest

from airflow_fargate.standby import protocol
from airflow_fargate.standby.protocol import Replace, WriteOnce
from unit.standby.model import Model, complaint, container, dismisser, new_scheduler, scheduler

PARTIES = {
    "L1 queued": scheduler("L1", "S1", "S2"),
    "L2 queued": scheduler("L2", "S1"),
    "L1 adopted": new_scheduler("L1"),
    "L1 adopted again": new_scheduler("L1"),
    "S1": container("S1"),
    "S2": container("S2"),
}
"""Two launches that compete for a standby, one of them with two new schedulers, and two standbys."""
SMALL = {
    "L1 queued": scheduler("L1", "S1"),
    "L1 adopted": new_scheduler("L1"),
    "S1": container("S1"),
}


def test_no_launch_ever_runs_twice():
    """In every order of events, with lost answers, and with anyone stopping anywhere."""
    states, wrong = Model(PARTIES).search(complaint)
    assert wrong == ""
    assert states > 100_000


@pytest.mark.parametrize(
    "more",
    [
        {"dismisser": dismisser("S1")},
        {"L1 adopted while it runs": new_scheduler("L1", queued=False)},
        {"L2 queued": scheduler("L2", "S1"), "L2 adopted": new_scheduler("L2")},
    ],
    ids=["dismissed", "adopted while running", "both adopted"],
)
def test_nor_with_others_at_work(more):
    """A scheduler that dismisses the standby, one that adopts a running task, one for each launch."""
    _, wrong = Model(SMALL | more).search(complaint)
    assert wrong == ""


def is_fate(party, write):
    return isinstance(write, WriteOnce) and write.content.get("standby")


def is_fence(party, write):
    return isinstance(write, WriteOnce) and "cold" in write.content


def is_recall(party, write):
    return isinstance(write, WriteOnce) and "recalled" in write.content


def is_claim(party, write):
    return isinstance(write, WriteOnce) and "took" in write.content


@pytest.mark.parametrize("rule", [is_fate, is_fence, is_recall, is_claim], ids=lambda rule: rule.__name__)
def test_each_of_the_four_rules_is_needed(rule):
    """Without the fate, the new scheduler's fate, the recall, or the claim, a launch runs twice."""
    _, wrong = Model(SMALL, ignored=rule).search(complaint)
    assert "L1 runs in" in wrong or "did not take it" in wrong


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
    operations, decided = run(protocol.decide("L", "S", "arn"), True)
    assert decided
    assert operations == [WriteOnce("launches/L", {"standby": "S", "arn": "arn"})]
    operations, offered = run(protocol.make_offer("L", "S", "etag", lambda: "token"), True)
    assert offered
    assert operations == [Replace("standby/S/offer", {"launch": "L", "payload": "token"}, "etag")]


def test_a_standby_that_somebody_else_used_before_is_no_offer():
    """Its offer is gone, its answer names another launch: the launch is launched cold at once."""
    steps = protocol.make_offer("L", "S", "etag", lambda: "token")
    assert run(steps, False, None, {"took": "another"})[1] is False


def test_an_object_that_exists_and_is_not_found_is_no_answer():
    """A lifecycle rule that deletes answers too early must not look like a recall that was accepted."""
    steps = protocol.recall("L", "S")
    next(steps)
    steps.send(False)
    with pytest.raises(protocol.InconsistentError, match="standby/S/answer"):
        steps.send(None)
