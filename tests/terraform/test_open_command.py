"""The command that opens the tunnel, checked against AWS's own model of the calls that it makes."""

from __future__ import annotations

import re

import pytest
from botocore.session import Session

from terraform.conftest import REPOSITORY

OUTPUTS = (REPOSITORY / "terraform" / "airflow_on_ecs" / "outputs.tf").read_text(encoding="utf-8")
CALLS = re.findall(r"aws (ecs|ssm) ([a-z-]+)( --[^\n]*)", OUTPUTS)
OF_THE_CLI = {"query", "output"}


def joined(words: str) -> str:
    """Return a name of the command line without hyphens and case: the API's model has both differently."""
    return words.replace("-", "").lower()


def test_the_tunnel_finds_a_task_and_its_container_first() -> None:
    """The order of the three calls."""
    assert [command for _, command, _ in CALLS] == ["list-tasks", "describe-tasks", "start-session"]


@pytest.mark.parametrize(("service", "command", "options"), CALLS, ids=[command for _, command, _ in CALLS])
def test_each_option_is_a_parameter_of_the_call(service: str, command: str, options: str) -> None:
    """A misspelt option would only fail at a person's terminal."""
    model = Session().get_service_model(service)
    (operation,) = (name for name in model.operation_names if joined(command) == joined(name))
    shape = model.operation_model(operation).input_shape

    given = {joined(name) for name in re.findall(r" --([a-z-]+)", options)} - OF_THE_CLI

    assert given <= {joined(name) for name in shape.members}
    assert {joined(name) for name in shape.required_members} <= given
