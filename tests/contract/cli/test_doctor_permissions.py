"""``airflow fargate doctor`` on what the executor may do: asked by harmless calls."""

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
"""What AWS answers to who may make the call: what is wrong with it."""


class AnswerError(Exception):
    """AWS's refusal, as boto3 raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": code}}


class Account:
    """Every service, answering with the codes given."""

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
    """Return what the doctor says."""
    return [(each.ok, each.sentence) for each in permissions.permissions(Session(CONFIG, account))]


def test_a_refusal_for_what_is_asked_proves_the_permission() -> None:
    """All calls of the executor are named, and none of them started, stopped or took anything."""
    account = Account(EVERYTHING)
    ((ok, sentence),) = look(account)
    assert ok
    for action in ("ecs:RunTask", "ecs:StopTask", "ecs:ListTasks", "logs:GetLogEvents", "sqs:DeleteMessage"):
        assert action in sentence
    assert "receive_message" not in account.called


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"])
def test_what_is_denied_is_named_with_the_policy_to_attach(code: str) -> None:
    """One line for all of them."""
    ((ok, sentence),) = look(Account({**EVERYTHING, "run_task": code, "list_tasks": code}))
    assert ok is False
    assert sentence.startswith("Not allowed: ecs:RunTask, ecs:ListTasks: attach the policy")


def test_what_does_not_answer_proves_nothing() -> None:
    """No network: not known, which is neither right nor wrong."""
    found = look(
        Account({**EVERYTHING, "stop_task": ConnectionError("no route"), "run_task": "AccessDenied"})
    )
    assert [ok for ok, _ in found] == [False, None]
    assert found[1][1] == "Not answered: ecs:StopTask (ConnectionError)."


@pytest.mark.parametrize("mode", ["bridge", ""])
def test_run_task_is_not_tried_where_it_could_start_something(mode: str) -> None:
    """Only awsvpc makes a request without a network one that AWS is sure to refuse."""
    account = Account(EVERYTHING, mode)
    look(account)
    assert "run_task" not in account.called


def test_what_is_not_configured_is_not_tried() -> None:
    """No queue, no log group: no calls on them."""
    account = Account(EVERYTHING)
    bare = FargateConfig(
        cluster="airflow", task_definition="worker", container_name="worker", subnets=("subnet-1",)
    )
    (finding,) = permissions.permissions(Session(bare, account))
    assert finding.ok
    assert set(account.called) == {"run_task", "describe_tasks", "stop_task", "list_tasks"}
