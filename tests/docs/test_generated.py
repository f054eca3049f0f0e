"""The pages that a program writes: they are today's, and the page of messages lacks none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_fargate.exit_codes import ExitCode
from chaos.sources import linked
from docs.generators import aws_messages, costs, emitted, troubleshooting
from docs.generators.__main__ import pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.name)
def test_a_generated_page_is_todays(file) -> None:
    """`make docs` would write what is there."""
    assert file.read_text(encoding="utf-8") == pages()[file]


def test_every_message_of_the_package_has_its_cause_and_remedy() -> None:
    """Errors, log lines, verdicts and findings; a new one needs a line in docs/generators/messages.yaml."""
    assert troubleshooting.without_entry() == []


def test_no_entry_is_left_without_its_message() -> None:
    """A message that is gone takes its entry along."""
    assert troubleshooting.without_message() == []


def test_every_message_can_be_searched_for_on_the_page() -> None:
    """Word for word, with an ellipsis for each value."""
    page = troubleshooting.page()
    entries = [entry for group in troubleshooting.groups() for entry in group.entries]
    others = troubleshooting.not_messages()
    shown = [
        each.text
        for each in emitted.emitted()
        if any(entry.fits(each) for entry in entries) and not any(other.fits(each) for other in others)
    ]

    assert len(shown) > 150
    assert [text for text in shown if text.replace("|", "\\|") not in page] == []


def test_every_exit_code_has_its_remedy() -> None:
    """The codes of the worker, each with what to do."""
    page = troubleshooting.page()

    assert [code for code in ExitCode if f"\n| {code.value} | {code.meaning} | " not in page] == []


def test_a_message_is_read_from_the_source_as_it_is_written(tmp_path) -> None:
    """Strings, f-strings, sums and log formats; docstrings and short words are none."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "part.py").write_text(
        '"""A docstring of the module."""\n'
        "def act(name):\n"
        '    """A docstring of the function."""\n'
        '    log.warning("No lines of %s: %r", name, 1)\n'
        '    raise ValueError(f"The value {name!r} is wrong. " + HINT)\n'
        '    return "short"\n'
    )

    found = emitted.emitted(tmp_path)

    assert [(each.at, each.text) for each in found] == [
        ("room.part:act", "No lines of …: …"),
        ("room.part:act", "The value … is wrong. …"),
    ]


def test_the_examples_of_costs_follow_the_prices() -> None:
    """A thousand tasks a day of five minutes, half a vCPU and 2 GB; a short task is billed a minute."""
    assert costs.monthly(1000, 5, 0.5, 2) == pytest.approx(2500 * (0.5 * 0.04048 + 2 * 0.004445))
    assert costs.monthly(1, 0.1, 1, 2) == costs.monthly(1, 1, 1, 2)


def test_the_page_of_aws_s_messages_says_what_the_executor_does() -> None:
    """A registry's 504 is waited for, a missing image is not, and what may have run is not launched again."""
    said = {each.id: aws_messages.then(each) for each in aws_messages.CAUSES}

    assert said["service_failed"] == "launches again"
    assert said["image_not_found"] == "fails the task at once"
    assert said["container_lost"] == "fails the task: it may have run"
    assert said["server_error"].startswith("repeats the same request")


def test_the_page_of_aws_s_messages_has_every_cause_and_every_message() -> None:
    """Each cause has a section with its hint, and each message can be searched for on one line."""
    page = aws_messages.page()

    assert [
        each.id for each in aws_messages.CAUSES if f"## {each.id}\n" not in page or each.hint not in page
    ] == []
    sentences = aws_messages.SENTENCES
    assert [each for each in sentences if " ".join(each.sentence.split()) not in page] == []


def test_every_issue_that_the_page_of_faults_names_is_a_link() -> None:
    """The sources of docs/chaos.md can be followed; a project's short name stands for its repository."""
    table = [
        line for line in (ROOT / "docs" / "chaos.md").read_text(encoding="utf-8").splitlines() if "|" in line
    ]
    numbers = re.findall(r"#\d+", "\n".join(table))

    assert len(numbers) >= 39
    assert [line for line in table if re.search(r"#\d", re.sub(r"\[[^\]]*\]\([^)]*\)", "", line))] == []


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("#35491; ADR 4", "[#35491](https://github.com/apache/airflow/issues/35491); ADR 4"),
        ("dagster #14383", "[dagster #14383](https://github.com/dagster-io/dagster/issues/14383)"),
        ("moby/moby#1", "[moby/moby#1](https://github.com/moby/moby/issues/1)"),
        ("provider: loses the workload", "provider: loses the workload"),
    ],
)
def test_a_source_is_linked(source, link) -> None:
    """Issues by repository, project or number alone; words without an address stay words."""
    assert linked(source) == link


def test_a_source_at_aws_leads_to_its_page() -> None:
    """The words that stand for a page of the ECS documentation are the link."""
    assert linked("Spot; #1").startswith(
        "[Spot](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
    )
