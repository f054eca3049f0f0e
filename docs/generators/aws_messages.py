"""docs/aws_messages.md: AWS's messages by cause, from the table of causes and the published sentences."""

from __future__ import annotations

from airflow_fargate.aws.failure_causes import Cause, LaunchErrorKind
from airflow_fargate.aws.failures import CAUSES
from unit.aws.aws_sentences import SENTENCES, STOP

HEAD = """\
# AWS's messages, and what to do

Search this page for a few words of the message that you see in Airflow's event log, in the scheduler's log or
in the ECS console. Each section is one cause: what happened, what the executor does, what to do, and the
messages by which the executor recognizes it. A message matches by its words: other ids, quotes or line breaks
make no difference.

The executor launches again only if nothing ran. It does so within `launch_timeout`, and the task keeps its
tries. A message that is not on this page fails the task, with AWS's words.

Written by `make docs` from the table that the executor uses
([failure_causes.py](../executor/src/airflow_fargate/aws/failure_causes.py)). The sources are listed in
[aws_sentences.tsv](../tests/unit/aws/aws_sentences.tsv).

| cause | what happened | then |
|---|---|---|
"""
THEN = {
    LaunchErrorKind.THROTTLED: "slows down and launches again",
    LaunchErrorKind.UNKNOWN: "repeats the same request, which cannot start a second task",
    LaunchErrorKind.CAPACITY: "launches again, with the next entry of `capacity_chain`",
    LaunchErrorKind.WAIT: "launches again",
    LaunchErrorKind.PERMANENT: "fails the task at once",
}


def then(cause: Cause) -> str:
    """Return what the executor does."""
    met = {each.where for each in SENTENCES if each.cause == cause.id}
    if cause.kind is LaunchErrorKind.UNKNOWN and met == {STOP}:
        return "fails the task: it may have run"
    return THEN[cause.kind]


def section(cause: Cause) -> str:
    """Return the section of a cause."""
    messages = [_one_line(each.sentence) for each in SENTENCES if each.cause == cause.id]
    lines = [
        f"## {cause.id}",
        "",
        f"{cause.summary} The executor {then(cause)}.",
        "",
        f"**What to do:** {cause.hint}",
        "",
        *([f"Codes: {', '.join(f'`{each}`' for each in cause.codes.split())}", ""] if cause.codes else []),
        *(f"- `{each}`" for each in dict.fromkeys(messages)),
        *([""] if messages else []),
    ]
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    rows = "".join(f"| [{each.id}](#{each.id}) | {each.summary} | {then(each)} |\n" for each in CAUSES)
    return HEAD + rows + "\n" + "\n".join(map(section, CAUSES))


def _one_line(sentence: str) -> str:
    return " ".join(sentence.split())
