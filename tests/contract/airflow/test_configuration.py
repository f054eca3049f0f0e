"""The ``[fargate]`` section in Airflow: listed with descriptions, and rejected with its faults."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_fargate.airflow_versions import RELEASE
from airflow_fargate.settings.options import OPTIONS


@pytest.mark.point("`airflow config list --section fargate` shows every option with its description")
def test_airflow_lists_every_option_with_default_and_description() -> None:
    """``airflow config list --section fargate`` shows every option of the provider metadata."""
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


@pytest.mark.point("a wrong `[fargate]` stops the scheduler with a message")
@pytest.mark.parametrize(
    ("name", "value", "fact"),
    [
        ("CLSTER", "airflow", "'clster' is not an option of FargateExecutor. Did you mean cluster?"),
        ("LAUNCH_TYPE", "LAMBDA", "launch_type must be FARGATE or EC2, got 'LAMBDA'"),
        ("ASSIGN_PUBLIC_IP", "perhaps", "must be ENABLED or DISABLED, got 'perhaps'"),
        ("LAUNCH_TIMEOUT", "soon", "must be a number from 1 to 86400, got 'soon'"),
        ("TAGS", "team=data", "tags must be a JSON object"),
        ("SUBNETS", "", "subnets is required"),
        ("CLUSTER", "", "cluster is required"),
        ("TASK_DEFINITION", "", "task_definition is required"),
        ("EXECUTION_CONFIG_FUNCTION", "no.such.module", "must be the import path of a function"),
        ("PROFILES", '{"big": {"cpus": 1}}', "Did you mean cpu?"),
    ],
)
def test_a_wrong_section_stops_the_scheduler_with_a_message(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, fact: str
) -> None:
    """The message of start() has the key, the value and what is allowed."""
    monkeypatch.setenv(f"AIRFLOW__FARGATE__{name}", value)
    with pytest.raises(SystemExit, match=fact.replace(".", r"\.").replace("?", r"\?")):
        scheduler.executor.start()
