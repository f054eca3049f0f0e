"""``airflow fargate``: commands are declared without imports, and imported when they are called."""

from __future__ import annotations

import argparse
import subprocess
import sys
from unittest import mock

import pytest
from botocore.exceptions import NoCredentialsError

from airflow_fargate import cli
from unit.examples import client_error


def test_the_group_has_its_commands() -> None:
    """Every documented command exists and has a help text."""
    (group,) = cli.commands()
    assert group.name == "fargate"
    found = {command.name: command.help for command in group.subcommands}
    assert {"doctor", "tasks", "reap", "render", "cost", "run-workload"} <= set(found)
    assert all(found.values())


def test_a_command_exits_with_its_modules_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is imported when the command is called."""
    from airflow_fargate.cli import doctor  # noqa: PLC0415  what the command imports

    monkeypatch.setattr(doctor, "main", lambda args: 3)
    (group,) = cli.commands()
    (command,) = [each for each in group.subcommands if each.name == "doctor"]
    with pytest.raises(SystemExit) as exited:
        command.func(argparse.Namespace())
    assert exited.value.code == 3


def test_an_error_of_aws_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints the error and exits with 1; a fault of our own raises."""
    from airflow_fargate.cli import doctor  # noqa: PLC0415  what the command imports

    (group,) = cli.commands()
    (command,) = [each for each in group.subcommands if each.name == "doctor"]
    for error in (NoCredentialsError(), client_error("AccessDeniedException", "not you")):
        monkeypatch.setattr(doctor, "main", mock.Mock(side_effect=error))
        with pytest.raises(SystemExit) as exited:
            command.func(argparse.Namespace())
        assert exited.value.code == 1
        assert str(error).rstrip(".") in capsys.readouterr().err
    monkeypatch.setattr(doctor, "main", mock.Mock(side_effect=KeyError("ours")))
    with pytest.raises(KeyError):
        command.func(argparse.Namespace())


def test_importing_the_package_imports_no_airflow() -> None:
    """The worker imports it in every container, so it must not import Airflow or boto3."""
    code = (
        "import sys, airflow_fargate, airflow_fargate.cli, airflow_fargate.settings.options;"
        "assert not {'airflow', 'boto3', 'botocore'} & set(sys.modules);"
        "assert not hasattr(airflow_fargate, 'NoSuchName')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
