"""``airflow fargate doctor`` checks permissions with calls that change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_fargate.cli import permissions
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import FargateConfig
from aws_model import modelled
from unit.examples import QUEUE_URL

CONFIG = FargateConfig(
    cluster="airflow",
    task_definition="worker",
    container_name="worker",
    subnets=("subnet-1",),
    event_queue_url=QUEUE_URL,
    log_group="/worker",
)
EVERYTHING = {
    "run_task": "InvalidParameterException",
    "stop_task": "InvalidParameterException",
    "get_log_events": "ResourceNotFoundException",
    "delete_message": "ReceiptHandleIsInvalid",
    "change_message_visibility": "ReceiptHandleIsInvalid",
}
"""AWS's answers if the call is allowed: its arguments are wrong."""


class AnswerError(Exception):
    """An error as boto3 raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": code}}


class Account:
    """Every service, answering with these codes."""

    def __init__(self, answers: dict[str, Any], network_mode: str = "awsvpc") -> None:
        self.answers = answers
        self.network_mode = network_mode
        self.called: list[str] = []

    def __call__(self, service: str) -> Any:
        return modelled(service, self)

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        if not self.network_mode:
            raise AnswerError("ClientException")
        return {"taskDefinition": {"networkMode": self.network_mode}}

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            self.called.append(name)
            answer = self.answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            if answer:
                raise AnswerError(answer)
            return {}

        return call


def look(account: Account) -> list[tuple[bool | None, str]]:
    """Return the doctor's findings."""
    return [(each.ok, each.message) for each in permissions.permissions(Session(CONFIG, account))]


def test_an_error_about_the_arguments_proves_the_permission() -> None:
    """All calls of the executor are named, and none started, stopped or received anything."""
    account = Account(EVERYTHING)
    ((ok, message),) = look(account)
    assert ok
    for action in ("ecs:RunTask", "ecs:StopTask", "ecs:ListTasks", "logs:GetLogEvents", "sqs:DeleteMessage"):
        assert action in message
    assert "receive_message" not in account.called


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"])
def test_denied_calls_are_named_with_the_policy_to_attach(code: str) -> None:
    """One line names all of them."""
    ((ok, message),) = look(Account({**EVERYTHING, "run_task": code, "list_tasks": code}))
    assert ok is False
    assert "ecs:RunTask, ecs:ListTasks" in message
    assert "terraform output scheduler_policy_arn" in message


def test_a_call_without_an_answer_is_inconclusive() -> None:
    """Without a network the permission is unknown."""
    found = look(
        Account({**EVERYTHING, "stop_task": ConnectionError("no route"), "run_task": "AccessDenied"})
    )
    assert [ok for ok, _ in found] == [False, None]
    assert "ecs:StopTask (ConnectionError)" in found[1][1]


@pytest.mark.parametrize("mode", ["bridge", ""])
def test_run_task_is_not_tried_if_it_could_start_something(mode: str) -> None:
    """Only with awsvpc is a request without a network certain to be rejected."""
    account = Account(EVERYTHING, mode)
    look(account)
    assert "run_task" not in account.called


def test_resources_that_are_not_configured_are_not_tried() -> None:
    """Without a queue and a log group there are no calls for them."""
    account = Account(EVERYTHING)
    bare = FargateConfig(
        cluster="airflow", task_definition="worker", container_name="worker", subnets=("subnet-1",)
    )
    (finding,) = permissions.permissions(Session(bare, account))
    assert finding.ok
    assert set(account.called) == {"run_task", "describe_tasks", "stop_task", "list_tasks"}
