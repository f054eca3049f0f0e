"""Adding log lines to failures without delaying anything else."""

from __future__ import annotations

from typing import Any

from airflow_fargate.tasks.messages import Finish
from airflow_fargate.tasks.verdict import Verdict, judge
from airflow_fargate.testing import ManualClock
from airflow_fargate.tracking.explainer import LONGEST_WAIT, Explainer
from unit.examples import stopped

FAILED = Finish("key", judge(stopped(66), "worker"))


class Logs:
    """Two lines, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.reads = 0

    def last_lines(self, arn: str, count: int) -> tuple[str, ...]:
        self.reads += 1
        if self.error:
            raise self.error
        return ("one", "two")[:count]

    def link(self, arn: str) -> str:
        return f"https://console/{arn}"


def explained(logs: Any) -> Verdict:
    """Explain one failure; return the result."""
    explainer = Explainer(logs, ManualClock().monotonic)
    assert explainer.run_one() > 0
    explainer.ask(FAILED)
    assert explainer.done() == []
    assert explainer.run_one() == 0.0
    (told,) = explainer.done()
    assert explainer.done() == []
    assert told.key == "key"
    return told.verdict


def test_the_lines_are_added_to_the_diagnosis() -> None:
    """The rest of it is unchanged."""
    verdict = explained(Logs())
    assert verdict.diagnosis.log_lines == ("one", "two")
    assert verdict.diagnosis.exit_code == 66


def test_the_link_to_the_log_is_added() -> None:
    """With the lines, and if the executor may not read them."""
    for logs in (Logs(), Logs(PermissionError())):
        verdict = explained(logs)
        assert f"\nSee https://console/{verdict.diagnosis.arn}" in str(verdict.diagnosis)


def test_a_failure_without_its_log_is_still_reported() -> None:
    """Access to the log group is denied, so there are no lines."""
    assert explained(Logs(PermissionError())).diagnosis.log_lines == ()


def test_a_failure_waits_for_its_log_for_a_limited_time() -> None:
    """If CloudWatch is slow, it is reported once, without lines."""
    clock, logs = ManualClock(), Logs()
    explainer = Explainer(logs, clock.monotonic)
    explainer.ask(FAILED)
    clock.advance(LONGEST_WAIT)
    assert explainer.done() == [FAILED]
    assert explainer.run_one() == 0.0
    assert (logs.reads, explainer.done()) == (0, [])


def test_a_dropped_failure_is_not_reported() -> None:
    """Airflow revoked the key while its log was read."""
    explainer = Explainer(Logs(), ManualClock().monotonic)
    explainer.ask(FAILED)
    explainer.forget("key")
    explainer.run_one()
    assert explainer.done() == []
    assert list(explainer) == []


def test_the_reason_of_an_ended_task_is_still_reported() -> None:
    """Airflow 2.11 fails a killed task before its log is read; the lines reach the event log."""
    explainer = Explainer(Logs(), ManualClock().monotonic)
    explainer.ask(FAILED)
    explainer.note_known("key")
    explainer.note_known("another key")
    explainer.run_one()
    (told,) = explainer.done()
    assert told.is_known
    assert told.verdict.diagnosis.log_lines == ("one", "two")
