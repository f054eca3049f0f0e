"""``python -m docs.generators`` writes the generated pages; ``make docs`` calls it."""

from __future__ import annotations

from pathlib import Path

from airflow_fargate.settings import option_files
from docs.generators import aws_messages, costs, terraform_reference, troubleshooting, wrong_inputs

DOCS = Path(__file__).parents[1]


def pages() -> dict[Path, str]:
    """Return every generated page: its file and its text."""
    with_examples = DOCS / "costs.md"
    return {
        DOCS / "aws_messages.md": aws_messages.page(),
        DOCS / "configuration.md": option_files.reference(),
        DOCS / "terraform_reference.md": terraform_reference.page(),
        DOCS / "troubleshooting.md": troubleshooting.page(),
        DOCS / "wrong_inputs.md": wrong_inputs.page(),
        with_examples: costs.renewed(with_examples.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")
