"""Log lines for failures, without holding anything up."""

from __future__ import annotations

from typing import Any

from airflow_fargate.explainer import Explainer
from airflow_fargate.verdict import Verdict, judge
from unit.examples import stopped


class Logs:
    """Two lines, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def last_lines(self, arn: str, count: int) -> tuple[str, ...]:
        if self.error:
            raise self.error
        return ("one", "two")[:count]

    def link(self, arn: str) -> str:
        return f"https://console/{arn}"


def explained(logs: Any) -> Verdict:
    """Have one failure explained; return what is posted."""
    posted: list[tuple[Any, Verdict]] = []
    explainer = Explainer(logs, lambda key, verdict: posted.append((key, verdict)))
    assert explainer.run_one() > 0
    explainer.ask("key", judge(stopped(66), "worker"))
    assert explainer.run_one() == 0.0
    ((key, verdict),) = posted
    assert key == "key"
    return verdict


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
