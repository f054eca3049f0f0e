"""The policies against the calls: no call without its permission, no permission without its call."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterable

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "executor/src/airflow_fargate"
SERVICES = ("ecs", "sqs", "s3", "logs", "ecr", "ec2", "sts")

# What AWS asks for besides, when RunTask passes roles and tags, and when S3 and SQS use a key for the caller.
WITH_RUN_TASK = {"iam:PassRole", "ecs:TagResource"}
WITH_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}

# Airflow's own S3 log reader (amazon provider, S3RemoteLogIO): its page lists a task's logs and reads them.
AIRFLOW_READS_LOGS = {"s3:ListBucket", "s3:GetObject"}
# And its writer, in the container: it looks whether the log is there, reads it, and writes it anew.
AIRFLOW_WRITES_LOGS = {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}

# Anyone signed in may ask who they are.
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}


@cache
def operations() -> dict[str, set[str]]:
    """Return boto3's method names -> the IAM actions they may be, for the services the executor uses."""
    found: dict[str, set[str]] = {}
    for service in SERVICES:
        made = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        for method, operation in made.meta.method_to_api_mapping.items():
            # A batch is permitted by the action of its single call.
            action = operation.removesuffix("Batch") if service == "sqs" else operation
            action = "ListBucket" if action == "ListObjectsV2" else action
            found.setdefault(method, set()).add(f"{service}:{action}")
    return found


def calls(files: Iterable[Path]) -> set[str]:
    """Return the IAM actions of every call that the files name, as an attribute or as a paginator's name."""
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                actions = operations().get(node.attr, set())
                # Some services have a call of the same name: what it is called on tells which.
                named = {action for action in actions if action.partition(":")[0] in ast.unparse(node.value)}
                found |= named if len(actions) > 1 and named else actions
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= operations().get(node.value, set())
    return found


def permitted(module: str, file: str) -> set[str]:
    """Return the IAM actions that a file of a module names; condition keys look alike and are left out."""
    text = (REPOSITORY / "terraform/modules" / module / file).read_text(encoding="utf-8")
    return set(re.findall(r'"((?:ecs|sqs|s3|logs|ecr|ec2|kms|iam):[A-Z]\w+)"(?! *=)', text))


def test_the_scheduler_may_do_what_the_executor_does_and_nothing_else() -> None:
    """The scheduler's policy is the executor's calls, to the letter."""
    files = [
        file for file in SOURCE.rglob("*.py") if not {"worker", "page"} & {*file.relative_to(SOURCE).parts}
    ]

    needed = calls(files) | WITH_RUN_TASK | WITH_KEYS

    assert permitted("scheduler_access", "main.tf") == needed - NEEDS_NO_PERMISSION


def test_the_api_server_may_read_task_logs_and_the_status_and_nothing_else() -> None:
    """The reader's policy is Airflow's log reader, our log of a running task and our page, to the letter."""
    finds_a_task = {"ecs:ListTasks", "ecs:DescribeTasks"}

    ours = calls([SOURCE / "aws/logs.py", SOURCE / "page/statuses.py"])
    needed = ours | finds_a_task | AIRFLOW_READS_LOGS | {"kms:Decrypt"}

    assert permitted("scheduler_access", "reader.tf") == needed


def test_a_task_may_do_what_the_worker_does_and_nothing_else() -> None:
    """The task role is the entrypoint's calls and Airflow's log writer, to the letter."""
    files = [SOURCE / "worker" / "s3.py"]

    needed = calls(files) | WITH_KEYS | AIRFLOW_WRITES_LOGS

    assert permitted("worker", "task_role.tf") - {"sts:AssumeRole"} == needed


def test_the_triggerer_may_write_logs_and_nothing_else() -> None:
    """The triggerer's policy is Airflow's log writer, to the letter."""
    assert permitted("scheduler_access", "triggerer.tf") == AIRFLOW_WRITES_LOGS | WITH_KEYS


def test_no_other_part_of_the_worker_calls_aws() -> None:
    """One file of the worker makes a client; whoever adds another must think of the task role."""
    makers = [
        str(file.relative_to(SOURCE))
        for file in sorted((SOURCE / "worker").rglob("*.py"))
        if re.search(r"\bboto3\b.*\bclient\(", file.read_text(encoding="utf-8"))
    ]

    assert makers == ["worker/s3.py"]
