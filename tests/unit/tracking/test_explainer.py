"""Log lines for failures, without holding anything up."""

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
    """Have one failure explained; return what is told."""
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
    """Everything else stays."""
    verdict = explained(Logs())
    assert verdict.diagnosis.log_lines == ("one", "two")
    assert verdict.diagnosis.exit_code == 66


def test_the_log_s_page_is_named_with_and_without_lines() -> None:
    """A person who wants more than twenty lines, or whose executor may not read them, gets the link."""
    for logs in (Logs(), Logs(PermissionError())):
        verdict = explained(logs)
        assert f"\nSee https://console/{verdict.diagnosis.arn}" in str(verdict.diagnosis)


def test_a_failure_without_its_log_is_told_all_the_same() -> None:
    """Access denied to the log group: the verdict comes without lines."""
    assert explained(Logs(PermissionError())).diagnosis.log_lines == ()


def test_a_failure_waits_for_its_log_only_so_long() -> None:
    """CloudWatch is slow: told without lines, once, and then not even read."""
    clock, logs = ManualClock(), Logs()
    explainer = Explainer(logs, clock.monotonic)
    explainer.ask(FAILED)
    clock.advance(LONGEST_WAIT)
    assert explainer.done() == [FAILED]
    assert explainer.run_one() == 0.0
    assert (logs.reads, explainer.done()) == (0, [])


def test_what_is_forgotten_is_not_told() -> None:
    """Airflow revoked the key while its log was read."""
    explainer = Explainer(Logs(), ManualClock().monotonic)
    explainer.ask(FAILED)
    explainer.forget("key")
    explainer.run_one()
    assert explainer.done() == []
    assert list(explainer) == []


def test_of_what_airflow_has_let_go_of_the_reason_is_told() -> None:
    """Airflow 2.11 fails a killed task before its log is read: the lines still reach the event log."""
    explainer = Explainer(Logs(), ManualClock().monotonic)
    explainer.ask(FAILED)
    explainer.note_known("key")
    explainer.note_known("another key")
    explainer.run_one()
    (told,) = explainer.done()
    assert told.is_known
    assert told.verdict.diagnosis.log_lines == ("one", "two")
