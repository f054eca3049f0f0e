"""Mistakes in the inputs of the module: the plan fails with a sentence that names the remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from docs.generators.wrong_inputs import rows
from terraform.mocks import mock_provider

if TYPE_CHECKING:
    from pathlib import Path

    from terraform.conftest import Run

# Input in terraform.tfvars -> the fact and the remedy in the message.
BAD = rows("terraform")


@pytest.fixture(scope="module")
def sentences(infrastructure: Path, run: Run) -> dict[str, str]:
    """Return what a plan with each bad input says, in one run of Terraform: input -> its errors."""
    files = {f"bad_{number}.tftest.hcl": given for number, given in enumerate(BAD)}
    for name, given in files.items():
        plan = f'run "plan" {{\n  command = plan\n  variables {{\n    {given}\n  }}\n}}\n'
        (infrastructure / name).write_text(f"{mock_provider(infrastructure)}\n{plan}", encoding="utf-8")
    try:
        done = run(infrastructure, "test", "-json", *(f"-filter={name}" for name in files))
    finally:
        for name in files:
            (infrastructure / name).unlink()
    found = dict.fromkeys(BAD, "")
    for line in map(json.loads, done.stdout.splitlines()):
        if line["type"] == "diagnostic" and line["diagnostic"]["severity"] == "error":
            found[files[line["@testfile"]]] += " ".join(line["diagnostic"]["detail"].split())
    return found


@pytest.mark.parametrize(("given", "sentence"), BAD.items(), ids=BAD)
def test_a_bad_input_fails_the_plan_with_a_remedy(
    given: str, sentence: str, sentences: dict[str, str]
) -> None:
    """The message names the value and what is allowed."""
    assert sentence in sentences[given]
