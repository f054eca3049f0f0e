"""``airflow fargate``: declared cheaply, run when asked for."""

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


def test_what_aws_refuses_is_a_sentence_and_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No credentials, no network, no permission: AWS's words and exit code 1; faults of ours raise."""
    from airflow_fargate.cli import doctor  # noqa: PLC0415  what the command would import

    (group,) = cli.commands()
    (command,) = [each for each in group.subcommands if each.name == "doctor"]
    for error in (NoCredentialsError(), client_error("AccessDeniedException", "not you")):
        monkeypatch.setattr(doctor, "main", mock.Mock(side_effect=error))
        with pytest.raises(SystemExit) as exited:
            command.func(argparse.Namespace())
        assert exited.value.code == 1
        assert capsys.readouterr().err.startswith(str(error))
    monkeypatch.setattr(doctor, "main", mock.Mock(side_effect=KeyError("ours")))
    with pytest.raises(KeyError):
        command.func(argparse.Namespace())


def test_importing_the_package_imports_no_airflow() -> None:
    """The worker's entrypoint imports it in every container: no Airflow and no boto3."""
    code = (
        "import sys, airflow_fargate, airflow_fargate.cli, airflow_fargate.settings.options;"
        "assert not {'airflow', 'boto3', 'botocore'} & set(sys.modules);"
        "assert not hasattr(airflow_fargate, 'NoSuchName')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
