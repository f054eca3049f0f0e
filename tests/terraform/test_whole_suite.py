"""Every AWS call of this whole run of the tests, against the policies as Terraform writes them, both ways.

The book is :mod:`aws_calls`. The policies are those of an account that has the names the tests use. What
Airflow's own code calls (its S3 log handler) is seen by the smoke, with the applied policies:
``run_permissions.py``.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore import xform_name

import airflow_fargate
from aws_calls import BOOK
from aws_model import operation_names
from terraform import run_permissions, test_under_policy, written_policies
from terraform.iam import Grant, Policy
from terraform.iam_calls import requests_of
from terraform.test_under_policy import INPUTS, LOGS, PLACE
from terraform.written_policies import Module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from terraform.conftest import Run

pytestmark = pytest.mark.last

SOURCES = Path(airflow_fargate.__file__).parent
SERVICES = ("ce", "ec2", "ecr", "ecs", "logs", "s3", "sqs", "sts")

# The fakes that the package ships, and the doctor's tests of images, name these otherwise.
SECOND = INPUTS | {
    "family": "airflow-worker",
    "repository_arn": PLACE.arn("ecr", "repository/airflow/worker"),
}
WORKER = {
    "name": "airflow",
    "image": "example.org/airflow:1",
    "vpc_id": "vpc-0aaa",
    "https": {"cidrs": [], "prefix_lists": {}},
    "airflow": {"port": 8080, "cidrs": [], "security_group_ids": {}},
    "payloads": INPUTS["payloads"],
    "standby": True,
    "logs": {**LOGS, "bucket": "logs"},
    "kms_key_arn": test_under_policy.KEYS["logs"],
}

NOT_OURS: dict[str, str] = {
    PLACE.arn("ecs", "cluster/nowhere"): "a cluster that does not exist",
    PLACE.arn("ecs", "task/nowhere/new"): "the tags of a task in it",
    PLACE.arn("ecs", "task-definition/nothing"): "a definition that does not exist",
    PLACE.arn("sqs", "no"): "a queue that does not exist",
    PLACE.arn("ecs", "task/elsewhere/0"): "a stranger's task in another cluster",
    PLACE.arn("ecr", "repository/airflow/nobody"): "a repository that does not exist",
    PLACE.arn("ce", "/GetCostAndUsage"): "the bill: a person asks for it, with permissions of their own",
    "arn:aws:s3:::payloads/0": "a payload_prefix of nothing, which Terraform never sets",
    "arn:aws:s3:::payloads/a/b/0": "a payload_prefix of two parts, the same",
    "arn:aws:s3:::payloads/team/standby/0/offer": "standbys under another payload_prefix",
    "arn:aws:s3:::payloads/team/standby/0/answer": "the same",
    "arn:aws:s3:::payloads/team/launches/0": "fates under another payload_prefix",
    "arn:aws:s3:::nowhere/workloads/0": "a bucket that does not exist",
    PLACE.arn("logs", "log-group:/none:log-stream:doctor/0"): "a log group that does not exist",
    PLACE.arn("logs", "log-group:/other:log-stream:doctor/0"): "another log group than the deployment's",
    "arn:aws:iam::1:role/x": "a task's own role: whoever allows it attaches iam:PassRole for it",
}
"""What tests ask for although it is not the deployment's: refused, as it should be."""

AIRFLOW_S_WRITER = {("WriteLogs", "s3:GetObject"), ("WriteLogs", "s3:PutObject")}
AIRFLOW_S_WRITER |= {("SeeThatALogIsNotThere", "s3:ListBucket")}
"""What Airflow's own S3 log handler does in the container, and no code of ours: the smoke sees it."""
WITHOUT_BOTO3 = {("TakeAnOffer", "s3:GetObject"), ("TakeAnOffer", "s3:DeleteObject")}
"""What a standby asks S3 by worker/s3_parts.py, which no record of boto3's calls sees."""


@dataclass
class Judged:
    """What became of the book.

    Args:
        refused: resource -> sentences about calls that the policy does not allow.
        unknown: calls that nobody thought of.
        used: bearer -> permissions.
    """

    refused: dict[str, set[str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    used: dict[str, set[Grant]] = field(
        default_factory=lambda: {"scheduler": set(), "reader": set(), "task": set()}
    )


@pytest.fixture(scope="module")
def policies(infrastructure: Path, run: Run) -> dict[str, list[Policy]]:
    """Return by bearer the policies of each deployment that the tests use."""
    modules = {
        "first": Module("scheduler_access", INPUTS),
        "second": Module("scheduler_access", SECOND),
        "worker": Module("worker", WORKER),
    }
    found = written_policies.resources(infrastructure, run, modules)
    schedulers = [
        Policy.parse(found[key]["aws_iam_policy.scheduler"]["policy"]) for key in ("first", "second")
    ]
    return {
        "scheduler": schedulers,
        "reader": [Policy.parse(found["first"]["aws_iam_policy.reader"]["policy"])],
        "task": [written_policies.inline(found["worker"], "aws_iam_role_policy.task")],
    }


@pytest.fixture(scope="module")
def judged(policies: dict[str, list[Policy]], whole_suite: bool) -> Judged:  # noqa: FBT001  a fixture
    """Return the verdict on every call so far, those of other processes included."""
    verdict = Judged()
    for call in sorted(BOOK.calls, key=str):
        try:
            requests = requests_of(PLACE, xform_name(call.operation), call.parameters)
        except KeyError:
            verdict.unknown.add(str(call))
            continue
        for request in requests:
            sids = [policy.allowing(request) for policy in policies[call.bearer]]
            allowing = {sid for sid in sids if sid is not None}
            verdict.used[call.bearer] |= {(sid, request.action) for sid in allowing}
            if not allowing:
                sentence = f"{call} lacks {request.action} on {request.resource} ({dict(request.context)})"
                verdict.refused.setdefault(_refused_for(request.resource, request.context), set()).add(
                    sentence
                )
    return verdict


def _refused_for(resource: str, context: Mapping[str, str]) -> str:
    """Return the resource, or the cluster in which it would be, where that is not the deployment's."""
    cluster = context.get("ecs:cluster", resource)
    return cluster if cluster in NOT_OURS else resource


def test_no_call_of_any_test_lacks_its_permission(judged: Judged) -> None:
    """A call that the policy of its bearer does not allow, or that nobody thought of, fails."""
    assert sorted(judged.unknown) == [], "add them to tests/terraform/iam_calls.py"
    lacking = {resource: calls for resource, calls in judged.refused.items() if resource not in NOT_OURS}
    assert lacking == {}


@pytest.fixture(scope="module")
def judged_whole(judged: Judged, whole_suite: bool) -> Judged:  # noqa: FBT001  a fixture
    """Return the verdict, where the run is long enough to say what was never called."""
    if not whole_suite:
        pytest.skip("only part of the tests ran: what they did not call says nothing")
    return judged


def test_no_permission_lacks_its_call(judged_whole: Judged, policies: dict[str, list[Policy]]) -> None:
    """Each permission of scheduler and task is used by a test; those of Airflow's own code by the smoke."""
    for bearer, airflow_s in (("scheduler", set()), ("task", AIRFLOW_S_WRITER | WITHOUT_BOTO3)):
        grants = set().union(*(policy.grants for policy in policies[bearer]))
        assert grants - judged_whole.used[bearer] == airflow_s

    # And so each of the scheduler's is used by the smoke, by the tests, or by both.
    passed_over = {
        (sid, action) for bearer, sid, action in run_permissions.NOT_IN_A_RUN if bearer == "scheduler"
    }
    assert passed_over <= judged_whole.used["scheduler"]


def test_what_is_refused_on_purpose_was_asked_for(judged_whole: Judged) -> None:
    """An exemption that no test needs any more goes."""
    assert set(judged_whole.refused) == set(NOT_OURS)


def calls_in_the_sources() -> Iterator[tuple[str, str]]:
    """Yield the module and the operation of each call that the package's sources hold."""
    known = {name: api for service in SERVICES for name, api in operation_names(service).items()}
    for path in sorted(SOURCES.rglob("*.py")):
        module = ".".join(["airflow_fargate", *path.relative_to(SOURCES).with_suffix("").parts])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # Methods of ours have such names too (ecs.run_task(client, request)): they take plain arguments.
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.args:
                continue
            if node.func.attr in known:
                yield module, known[node.func.attr]


def test_every_call_in_the_sources_was_made(judged_whole: Judged) -> None:
    """No call of the package is made behind the book's back, or by no test at all."""
    assert set(calls_in_the_sources()) - BOOK.callers == set()
