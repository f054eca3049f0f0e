"""The seam between Terraform and the executor, from both sides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_fargate.settings import option_files, options
from terraform.mocks import mock_provider

if TYPE_CHECKING:
    from terraform.conftest import Run

TERRAFORM = Path(__file__).parents[2] / "terraform"


def test_the_file_of_keys_is_the_executor_s_own() -> None:
    """``config_keys.json`` is what the options generate."""
    written = json.loads((TERRAFORM / "config_keys.json").read_text(encoding="utf-8"))

    assert written == option_files.config_keys(), (
        "python -m airflow_fargate.settings.options terraform/config_keys.json"
    )


def test_terraform_sets_exactly_the_options_meant_for_it() -> None:
    """The map in ``modules/configuration`` has the keys marked for Terraform, and no others."""
    text = (TERRAFORM / "modules/configuration/main.tf").read_text(encoding="utf-8")
    block = re.search(r"\n  options = \{\n(.*?)\n  \}\n", text, re.DOTALL)
    assert block

    keys = set(re.findall(r"^    (\w+) +=", block[1], re.MULTILINE))

    assert keys == {option.name for option in options.OPTIONS if option.terraform}


def test_a_key_the_executor_does_not_know_is_refused_at_plan(infrastructure: Path, run: Run) -> None:
    """When the two sides disagree, the plan fails and names the option."""
    keys = infrastructure / "config_keys.json"
    honest = keys.read_text(encoding="utf-8")
    altered = json.loads(honest)
    altered["options"]["cluster"]["terraform"] = False
    altered["options"]["end_timeout"]["terraform"] = True
    once = infrastructure / "disagreement.tftest.hcl"
    try:
        keys.write_text(json.dumps(altered), encoding="utf-8")
        plan = 'run "plan" {\n  command = plan\n}\n'
        once.write_text(f"{mock_provider(infrastructure)}\n{plan}", encoding="utf-8")
        done = run(infrastructure, "test", "-no-color", f"-filter={once.name}")
    finally:
        keys.write_text(honest, encoding="utf-8")
        once.unlink(missing_ok=True)

    sentence = " ".join(done.stderr.split()) + " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "disagree about the options of [fargate]: cluster, end_timeout." in sentence
