"""What ``make release-check`` refuses to release."""

from __future__ import annotations

import tarfile

import pytest

import release_check
from release_check import ReleaseError

CHANGELOG = """\
# Changelog

## [0.2.0] - 2026-12-01

### Added
- Something.

## [0.1.0] - unreleased

## [0.0.9]
- Older.
"""


def test_a_version_s_section_becomes_the_notes() -> None:
    """Up to the next version, without the heading."""
    assert release_check.notes(CHANGELOG, "0.2.0") == "### Added\n- Something.\n"


@pytest.mark.parametrize(("wanted", "words"), [("0.1.0", "is empty"), ("0.3.0", "no section")])
def test_a_version_without_notes_is_not_released(wanted, words) -> None:
    """No section, and a section without a line."""
    with pytest.raises(ReleaseError, match=words):
        release_check.notes(CHANGELOG, wanted)


def test_a_tag_needs_a_date_in_the_changelog() -> None:
    """A section that still says "unreleased" is not published."""
    assert release_check.notes(CHANGELOG, "0.2.0", dated=True)
    with pytest.raises(ReleaseError, match="must have a date such as 2027-01-31, got none"):
        release_check.notes(CHANGELOG, "0.0.9", dated=True)


def test_links_of_the_notes_work_on_the_release_s_page() -> None:
    """A path becomes the address of the file at the release's tag."""
    section = "## [0.1.0]\n- See [a page](docs/a.md#b) and [another](https://example.org).\n"
    assert release_check.notes(section, "0.1.0") == (
        "- See [a page](https://github.com/OWNER/airflow-fargate/blob/v0.1.0/docs/a.md#b) and "
        "[another](https://example.org).\n"
    )


def test_a_tag_must_be_the_package_s_version() -> None:
    """The letter v and the version; the message names the tag to make."""
    release_check.check_tag("v0.1.0", "0.1.0")

    with pytest.raises(ReleaseError, match=r"TAG must be v0\.1\.0"):
        release_check.check_tag("v0.2.0", "0.1.0")


def test_the_changelog_has_notes_for_the_version_of_the_package() -> None:
    """The first section is the version that is being made."""
    text = (release_check.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert release_check.notes(text, release_check.version())
    assert text.index(f"## [{release_check.version()}]") == text.index("## [")


def test_the_same_files_give_the_same_archive(tmp_path) -> None:
    """The Terraform module's archive: bytes do not depend on times; the licence is in it."""
    first, second = tmp_path / "1.tar.gz", tmp_path / "2.tar.gz"
    for each in (first, second):
        release_check.pack_terraform(each, ["terraform/main.tf", "terraform/destroy.py"])

    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        assert archive.getnames() == ["destroy.py", "main.tf", "LICENSE"]
