"""The mocked provider of the tests, written out: OpenTofu's ``mock_provider`` has no ``source``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '  source = "./tests/mocks"\n'


def _values(folder: Path) -> str:
    return (folder / "tests/mocks/aws.tfmock.hcl").read_text(encoding="utf-8")


def mock_provider(folder: Path) -> str:
    """Return the block for a test file in ``folder``, a copy of ``terraform/``."""
    return f'mock_provider "aws" {{\n{_values(folder)}}}\n'


def write_out(folder: Path) -> None:
    """Write the mocked values into every test file of ``folder`` that names their file."""
    for file in (folder / "tests").glob("*.tftest.hcl"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(SOURCE, _values(folder)), encoding="utf-8")
