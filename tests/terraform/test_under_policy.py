"""The executor's scenarios again, under the scheduler's policy as Terraform writes it."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.fleet import Fleet
from scenarios import world
from terraform import iam

if TYPE_CHECKING:
    from pathlib import Path

    from terraform.conftest import Run

PLACE = iam.Place(
    cluster="airflow",
    roles=(f"arn:aws:iam::{iam.ACCOUNT}:role/task", f"arn:aws:iam::{iam.ACCOUNT}:role/execution"),
    queue="events",
    keys={name: f"arn:aws:kms:{iam.REGION}:{iam.ACCOUNT}:key/{name}" for name in ("s3", "sqs", "logs")},
)

# What the policy must say about the scenarios' cluster, queue and bucket.
INPUTS = {
    "name": "airflow",
    "cluster_arn": PLACE.in_cluster["ecs:cluster"],
    "family": world.CONFIG.task_definition,
    "passed_role_arns": list(PLACE.roles),
    "queue": {"arn": PLACE.arn("sqs", PLACE.queue), "kms_key_arn": PLACE.keys["sqs"]},
    "payloads": {
        "bucket_arn": "arn:aws:s3:::payloads",
        "prefix": "workloads",
        "kms_key_arn": PLACE.keys["s3"],
    },
    "logs": {"bucket_arn": "arn:aws:s3:::logs", "prefix": "logs", "kms_key_arn": PLACE.keys["logs"]},
    "log_group_arn": PLACE.arn("logs", f"log-group:{world.CONFIG.log_group}"),
    "repository_arn": PLACE.arn("ecr", "repository/airflow/worker"),
}

# What only Airflow's page and the doctor need; everything else must be used by the executor at work.
NOT_AT_WORK = {
    "ShowTaskLogs",
    "FindTaskLogs",
    "DoctorLooksAtTheCluster",
    "DoctorLooksAround",
    "DoctorLooksForTheImage",
}

# A scenario asks for a definition that does not exist: it is not ours, so the policy does not reach it.
NO_SUCH_DEFINITION = PLACE.arn("ecs", "task-definition/nothing")

TO_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}

MODULES = [f"scenarios.test_{about}" for about in ("finishing", "launching", "races", "restarting")]


def scenarios() -> list[Any]:
    """Return the scenario tests that need nothing but a world."""
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        tests = [value for key, value in sorted(vars(module).items()) if key.startswith("test_")]
        found += [
            test for test in tests if not inspect.signature(test).parameters and test.__module__ == name
        ]
    return found


@pytest.fixture(scope="module")
def policy(infrastructure: Path, run: Run) -> iam.Policy:
    """Return the scheduler's policy for the scenarios' account, from Terraform itself."""
    variables = "\n".join(f"  {name} = {json.dumps(value)}" for name, value in INPUTS.items())
    text = (
        'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n\n'
        f"variables {{\n{variables}\n}}\n\n"
        'run "policy" {\n  module {\n    source = "./modules/scheduler_access"\n  }\n}\n'
    )
    file = infrastructure / "policy.tftest.hcl"
    file.write_text(text, encoding="utf-8")
    try:
        # A module that only this file calls must be installed first.
        assert run(infrastructure, "init").returncode == 0
        done = run(infrastructure, "test", "-json", "-verbose", f"-filter={file.name}")
    finally:
        file.unlink()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (state,) = [line["test_state"] for line in lines if line["type"] == "test_state"]
    resources = {each["address"]: each["values"] for each in state["root_module"]["resources"]}
    return iam.Policy.parse(resources["aws_iam_policy.scheduler"]["policy"])


@pytest.fixture
def guard(policy: iam.Policy, monkeypatch: pytest.MonkeyPatch) -> iam.Guard:
    """Return the guard before the clients of every scheduler of every world made from now on."""
    guard = iam.Guard(policy, PLACE)

    def guarded(config: Any, clients: Any, *rest: Any, **more: Any) -> Fleet:
        return Fleet(config, lambda service: guard.watch(clients(service)), *rest, **more)

    monkeypatch.setattr(world, "Fleet", guarded)
    return guard


def test_the_executor_s_scenarios_need_all_of_the_policy_and_no_more(guard: iam.Guard) -> None:
    """Every scenario passes under the policy, and every permission meant for the executor's work is used."""
    for scenario in scenarios():
        scenario()

    assert [request for request in guard.denied if request.resource != NO_SUCH_DEFINITION] == []
    assert guard.used == {statement.sid for statement in guard.policy.statements} - NOT_AT_WORK


@pytest.mark.parametrize(
    "request_",
    [
        iam.Request("ecs:RunTask", PLACE.arn("ecs", "task-definition/other"), PLACE.in_cluster),
        iam.Request("ecs:RunTask", PLACE.arn("ecs", "task-definition/worker-2:1"), PLACE.in_cluster),
        iam.Request(
            "ecs:RunTask",
            PLACE.arn("ecs", "task-definition/worker"),
            {"ecs:cluster": PLACE.arn("ecs", "cluster/other")},
        ),
        iam.Request("ecs:StopTask", PLACE.arn("ecs", "task/other/0123"), PLACE.in_cluster),
        iam.Request("iam:PassRole", f"arn:aws:iam::{iam.ACCOUNT}:role/admin", TO_TASKS),
        iam.Request("iam:PassRole", PLACE.roles[0], {"iam:PassedToService": "ec2.amazonaws.com"}),
        iam.Request("s3:GetObject", "arn:aws:s3:::payloads/workloads/airflow/x.json"),
        iam.Request("s3:PutObject", "arn:aws:s3:::payloads/other/x.json"),
        iam.Request("kms:Decrypt", PLACE.keys["s3"]),
        iam.Request(
            "ecs:TagResource", PLACE.arn("ecs", "task/airflow/0123"), {"ecs:CreateAction": "CreateService"}
        ),
    ],
    ids=lambda request: f"{request.action} {request.resource.rpartition(':')[2]}",
)
def test_what_the_scheduler_must_not_do_is_refused(request_: iam.Request, policy: iam.Policy) -> None:
    """Another family, cluster, role, service or prefix is out of reach, and so are the payloads' contents."""
    assert policy.allowing(request_) is None


def test_a_judge_that_does_not_understand_says_so() -> None:
    """An operator or an element that is not known is an error, not a yes."""
    statement = {"Sid": "X", "Effect": "Allow", "Action": "ecs:RunTask", "Resource": "*"}

    with pytest.raises(ValueError, match="operators"):
        iam.Statement.parse(statement | {"Condition": {"DateLessThan": {"aws:CurrentTime": "x"}}})
    with pytest.raises(ValueError, match="not understood"):
        iam.Statement.parse(statement | {"NotResource": "*"})
    with pytest.raises(ValueError, match="not understood"):
        iam.Statement.parse(statement | {"Effect": "Deny"})
