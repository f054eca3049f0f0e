"""``airflow fargate``: declared cheaply, run when asked for."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from airflow_fargate import cli


def test_the_group_has_its_commands() -> None:
    """What the documentation names, each with a help text."""
    (group,) = cli.commands()
    assert group.name == "fargate"
    found = {command.name: command.help for command in group.subcommands}
    assert {"doctor", "tasks", "reap", "render", "cost", "run-workload"} <= set(found)
    assert all(found.values())


def test_a_command_exits_with_what_its_module_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is imported when the command is called."""
    from airflow_fargate.cli import doctor  # noqa: PLC0415  what the command would import

    monkeypatch.setattr(doctor, "main", lambda args: 3)
    (group,) = cli.commands()
    (command,) = [each for each in group.subcommands if each.name == "doctor"]
    with pytest.raises(SystemExit) as exited:
        command.func(argparse.Namespace())
    assert exited.value.code == 3


def test_importing_the_package_imports_no_airflow() -> None:
    """The worker's entrypoint imports it in every container: no Airflow and no boto3."""
    code = (
        "import sys, airflow_fargate, airflow_fargate.cli, airflow_fargate.options;"
        "assert not {'airflow', 'boto3', 'botocore'} & set(sys.modules);"
        "assert not hasattr(airflow_fargate, 'NoSuchName')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
