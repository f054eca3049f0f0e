"""The ``[fargate]`` section as a person meets it: listed by Airflow, refused with sentences."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_fargate.airflow_versions import RELEASE
from airflow_fargate.settings.options import OPTIONS


@pytest.mark.point("`airflow config list --section fargate` shows every option with its description")
def test_airflow_lists_every_option_with_default_and_description() -> None:
    """``airflow config list --section fargate`` shows all of them: the package is declared to Airflow."""
    shown = ["--include-descriptions", "--include-examples", "--defaults"]
    if RELEASE >= (3, 2):
        shown.append("--show-values")
    listed = subprocess.run(
        [sys.executable, "-m", "airflow", "config", "list", "--section", "fargate", *shown],
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    ).stdout
    for option in OPTIONS:
        assert f"{option.name} = " in listed, option.name
        assert option.description.split()[0] in listed
    assert "platform_version = LATEST" in listed


@pytest.mark.point("a wrong `[fargate]` stops the scheduler with a sentence")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CLSTER", "airflow", "clster is not an option of FargateExecutor. Did you mean cluster?"),
        ("LAUNCH_TYPE", "LAMBDA", "allowed are FARGATE, EC2"),
        ("ASSIGN_PUBLIC_IP", "perhaps", "allowed are ENABLED, DISABLED"),
        ("LAUNCH_TIMEOUT", "soon", "must be a number from 1 to 86400, such as 540"),
        ("TAGS", "team=data", "this is not JSON"),
        ("SUBNETS", "", "subnets is missing"),
        ("CLUSTER", "", "cluster is missing"),
        ("TASK_DEFINITION", "", "task_definition is missing"),
        ("EXECUTION_CONFIG_FUNCTION", "no.such.module", "cannot be used"),
        ("PROFILES", '{"big": {"cpus": 1}}', "Did you mean cpu?"),
    ],
)
def test_a_wrong_section_stops_the_scheduler_with_a_sentence(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """start() ends the scheduler: the key, what is allowed, and what was probably meant."""
    monkeypatch.setenv(f"AIRFLOW__FARGATE__{name}", value)
    with pytest.raises(SystemExit, match=words.replace(".", r"\.").replace("?", r"\?")):
        scheduler.executor.start()
