"""docs/aws_messages.md, the page on which a user looks up a message of AWS."""

from __future__ import annotations

import aws_messages
from airflow_fargate.aws.failures import CAUSES
from unit.aws.aws_sentences import SENTENCES


def test_the_page_is_current() -> None:
    """docs/aws_messages.md is what `python tests/aws_messages.py` writes."""
    assert aws_messages.PAGE.read_text(encoding="utf-8") == aws_messages.page()


def test_the_page_has_every_cause_and_every_message() -> None:
    """Each cause has a section with its hint, and each message can be searched for on one line."""
    page = aws_messages.page()
    assert [each.id for each in CAUSES if f"## {each.id}\n" not in page or each.hint not in page] == []
    assert [each for each in SENTENCES if " ".join(each.sentence.split()) not in page] == []


def test_the_page_says_what_the_executor_does() -> None:
    """A registry's 504 is waited for, a missing image is not, and what may have run is not launched again."""
    said = {each.id: aws_messages.then(each) for each in CAUSES}
    assert said["service_failed"] == "launches again"
    assert said["image_not_found"] == "fails the task at once"
    assert said["container_lost"] == "fails the task: it may have run"
    assert said["server_error"].startswith("repeats the same request")
