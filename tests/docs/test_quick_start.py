"""The quick start of the README: every line of it is run by some test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from terraform.test_examples import quick_start

ROOT = Path(__file__).parents[2]
_WHOLE = "terraform -chdir=terraform/airflow_on_ecs"
RUN_BY = {
    "make smoke": "CI, as it stands",
    "make up": "tests/unit/commands",
    "make open": "tests/terraform/test_open_command.py",
    "make build-push": "the smoke, as make build and make push (tests/smoke/worker_images.py)",
    "pip install ./executor": "tests/terraform/test_snippet.py, in an environment with nothing else",
    "airflow fargate doctor": "tests/terraform/test_snippet.py and the smoke (tests/smoke/doctor.py)",
    "make destroy": "tests/terraform/test_destroy.py",
    f"{_WHOLE} init && {_WHOLE} apply": "make up runs the same (terraform/commands/up.py)",
    f"{_WHOLE} apply": "make up runs the same (terraform/commands/up.py)",
}
"""Lines that need an engine or an environment of their own, and who runs them."""


def commands(page: str, heading: str = "") -> list[str]:
    """Return what a page, from a heading on, tells the reader to type, in the blocks marked console."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = text[text.index(heading) :]
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line[2:].split("  #")[0].strip() for line in lines]


def test_every_line_of_the_readme_is_run_by_a_test() -> None:
    """Terraform's lines by tests/terraform/test_examples.py, on an emulator; the others as RUN_BY says."""
    assert [line for line in commands("README.md") if line not in (*quick_start(), *RUN_BY)] == []


def test_the_quick_start_page_follows_the_readme() -> None:
    """The same commands in the same order, so that what is tested for one holds for the other."""
    ours = commands("README.md", "## Bring your own Airflow")

    assert [line for line in commands("docs/quick_start.md") if line != "make destroy"] == ours


@pytest.mark.parametrize("name", ["smoke", "build-push", "destroy", "docs", "release-check"])
def test_a_target_that_pages_name_exists_at_the_root(name) -> None:
    """`make NAME` works where the reader stands: nobody is sent into another folder first."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{name}:", makefile, re.MULTILINE)
    assert not [line for line in commands("docs/quick_start.md") if line.startswith("cd ")]
