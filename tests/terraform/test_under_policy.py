"""The executor's scenarios again, under the scheduler's policy as Terraform writes it."""

from __future__ import annotations

import importlib
import inspect
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.aws.logs import RunningTaskLog
from airflow_fargate.cli import doctor
from airflow_fargate.cli.session import Session
from airflow_fargate.fleet.fleet import Fleet
from airflow_fargate.page.statuses import read_statuses
from contract.cli import test_commands as commands
from scenarios import test_standbys, world
from terraform import guard as guards
from terraform import iam, run_permissions, written_policies
from terraform.iam_calls import Place
from unit.aws import test_logs
from unit.page.test_statuses import NOW, Bucket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from terraform.conftest import Run

KEYS = {name: f"arn:aws:kms:{iam.REGION}:{iam.ACCOUNT}:key/{name}" for name in ("payloads", "events", "logs")}
PLACE = Place(
    cluster="airflow",
    roles=(f"arn:aws:iam::{iam.ACCOUNT}:role/task", f"arn:aws:iam::{iam.ACCOUNT}:role/execution"),
    keys=KEYS,
)
CLUSTER = PLACE.cluster_arn("airflow")
IN_CLUSTER = {"ecs:cluster": CLUSTER}

LOGS = {"bucket_arn": "arn:aws:s3:::logs", "prefix": "logs", "kms_key_arn": KEYS["logs"]}

# What the policy must say about the scenarios' cluster, queue and bucket.
INPUTS = {
    "name": "airflow",
    "cluster_arn": CLUSTER,
    "family": world.CONFIG.task_definition,
    "passed_role_arns": list(PLACE.roles),
    "queue": {"arn": PLACE.arn("sqs", "events"), "kms_key_arn": KEYS["events"]},
    "payloads": {
        "bucket_arn": "arn:aws:s3:::payloads",
        "prefix": "workloads",
        "kms_key_arn": KEYS["payloads"],
    },
    "standby": True,
    "logs": LOGS,
    "log_group_arn": PLACE.arn("logs", f"log-group:{world.CONFIG.log_group}"),
    "repository_arn": PLACE.arn("ecr", "repository/airflow"),
}

DEPLOYMENT = {
    "execution_api_server_url": "http://airflow.internal:8080/execution/",
    "standby": {"default": {"min": 1, "max": None, "windows": []}},
}

# What Airflow's own S3 log reader does in the API server, and no code of ours: the smoke sees it.
AIRFLOW_S_PAGE = {
    ("ShowTaskLogs", "s3:GetObject"),
    ("FindTaskLogs", "s3:ListBucket"),
    ("KeyOfLogs", "kms:Decrypt"),
}

# What the doctor asks in another network than the emulated one, and of an image with layers. That the calls
# are there, test_permissions.py sees in the sources.
ELSEWHERE = {
    ("DoctorLooksAround", "ec2:DescribeVpcEndpoints"),
    ("DoctorLooksForTheImage", "ecr:GetDownloadUrlForLayer"),
}

# A scenario asks for a definition that does not exist: it is not ours, so the policy does not reach it.
NO_SUCH_DEFINITION = PLACE.arn("ecs", "task-definition/nothing")

TO_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}

ABOUT = ("finishing", "launching", "races", "restarting", "standbys", "status")
MODULES = [f"scenarios.test_{about}" for about in ABOUT]


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


@pytest.fixture(scope="session")
def all_written(infrastructure: Path, run: Run) -> Mapping[str, Any]:
    """Return what the module makes for the scenarios' account with standbys and without, and a deployment."""
    modules = {
        "standbys": written_policies.Module("scheduler_access", INPUTS),
        "no_standbys": written_policies.Module("scheduler_access", INPUTS | {"standby": False}),
        "deployment": written_policies.Module("", DEPLOYMENT),
    }
    return written_policies.resources(infrastructure, run, modules)


@pytest.fixture(scope="session")
def written(all_written: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the module makes with standbys."""
    found: Mapping[str, Any] = all_written["standbys"]
    return found


@pytest.fixture(scope="session")
def policy_document(written: Mapping[str, Any]) -> str:
    """Return the scheduler's policy."""
    return str(written["aws_iam_policy.scheduler"]["policy"])


@pytest.fixture
def policy(policy_document: str) -> iam.Policy:
    """Return it parsed."""
    return iam.Policy.parse(policy_document)


@pytest.fixture
def guard(policy: iam.Policy, monkeypatch: pytest.MonkeyPatch) -> guards.Guard:
    """Return the guard before the clients of every scheduler of every world made from now on."""
    guard = guards.Guard(policy, PLACE)

    def guarded(config: Any, clients: Any, *rest: Any, **more: Any) -> Fleet:
        return Fleet(config, lambda service: guard.watch(clients(service)), *rest, **more)

    monkeypatch.setattr(world, "Fleet", guarded)
    return guard


@pytest.fixture
def guard_without_standbys(all_written: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> guards.Guard:
    """Return the guard before every scheduler that has no standbys, with the policy of one."""
    policy = iam.Policy.parse(all_written["no_standbys"]["aws_iam_policy.scheduler"]["policy"])
    guard = guards.Guard(policy, PLACE)

    def guarded(config: Any, clients: Any, *rest: Any, **more: Any) -> Fleet:
        source = clients if config.standby else lambda service: guard.watch(clients(service))
        return Fleet(config, source, *rest, **more)

    monkeypatch.setattr(world, "Fleet", guarded)
    return guard


session = commands.session
"""The commands' own fixture: an emulated account where everything is as it should be."""


@pytest.fixture
def at_work(guard: guards.Guard) -> guards.Guard:
    """Return the guard after every scenario."""
    for scenario in scenarios():
        scenario()
    return guard


def test_the_executor_and_its_commands_need_all_of_the_policy_and_no_more(
    at_work: guards.Guard,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Scenarios and doctor pass under the policy, and each of its permissions is used by one of them."""
    commands._push_image(session)
    watched = Session(session.config, lambda service: at_work.watch(session.clients(service)))
    monkeypatch.setattr(doctor, "open_session", lambda _: watched)

    assert doctor.main(Namespace(output="table")) == 0, capsys.readouterr().out

    assert [request for request in at_work.denied if request.resource != NO_SUCH_DEFINITION] == []
    assert at_work.policy.grants - at_work.used == ELSEWHERE
    passed_over = {(sid, action) for who, sid, action in run_permissions.NOT_IN_A_RUN if who == "scheduler"}
    assert passed_over <= at_work.used | ELSEWHERE


def test_a_scheduler_that_has_switched_standbys_off_settles_old_offers_and_makes_none(
    guard_without_standbys: guards.Guard, policy: iam.Policy
) -> None:
    """It uses what its policy says about standbys' objects; it may not offer, write fates, or tag."""
    test_standbys.test_a_new_scheduler_finds_the_standby_of_a_launch_without_an_arn()
    test_standbys.test_switched_off_no_call_is_made_for_it_but_reading_the_fate_of_an_adopted_launch()

    assert guard_without_standbys.denied == []
    assert guard_without_standbys.used >= {
        ("AskForFates", "s3:GetObject"),
        ("TakeOffersBack", "s3:PutObject"),
        ("KeyOfPayloads", "kms:Decrypt"),
    }
    assert policy.grants - guard_without_standbys.policy.grants == {
        ("OfferWorkloadsToStandbys", "s3:PutObject"),
        ("TagStandbys", "ecs:TagResource"),
    }


def test_a_deployment_with_standbys_gives_permissions_to_both_sides(all_written: Mapping[str, Any]) -> None:
    """The input ``standby`` reaches the scheduler's policy and the task role."""
    found = all_written["deployment"]
    scheduler = iam.Policy.parse(found["module.scheduler_access.aws_iam_policy.scheduler"]["policy"])
    task = written_policies.inline(found, "module.worker.aws_iam_role_policy.task")

    assert ("OfferWorkloadsToStandbys", "s3:PutObject") in scheduler.grants
    assert ("AnswerAnOffer", "s3:PutObject") in task.grants


def test_what_the_api_server_shows_needs_the_reader_policy_and_no_more(written: Mapping[str, Any]) -> None:
    """The log of a running task and the page about Fargate use all that Airflow's own log reader does not."""
    policy = iam.Policy.parse(written["aws_iam_policy.reader"]["policy"])
    guard = guards.Guard(policy, PLACE)
    clients = {"logs": guard.watch(test_logs.Logs()), "ecs": guard.watch(test_logs.Ecs())}
    config = test_logs.running(test_logs.Logs()).config

    _, lines = RunningTaskLog(config, clients.__getitem__).whole(test_logs.LAUNCH_ID)
    statuses, _ = read_statuses(world.CONFIG, lambda _: guard.watch(Bucket(3)), NOW)

    assert lines
    assert statuses
    assert guard.denied == []
    assert policy.grants - guard.used == AIRFLOW_S_PAGE


@pytest.mark.parametrize(
    "request_",
    [
        iam.Request("ecs:RunTask", PLACE.arn("ecs", "task-definition/other"), IN_CLUSTER),
        iam.Request("ecs:RunTask", PLACE.arn("ecs", "task-definition/worker-2:1"), IN_CLUSTER),
        iam.Request(
            "ecs:RunTask",
            PLACE.arn("ecs", "task-definition/worker"),
            {"ecs:cluster": PLACE.arn("ecs", "cluster/other")},
        ),
        iam.Request("ecs:StopTask", PLACE.arn("ecs", "task/other/0123"), IN_CLUSTER),
        iam.Request("iam:PassRole", f"arn:aws:iam::{iam.ACCOUNT}:role/admin", TO_TASKS),
        iam.Request("iam:PassRole", PLACE.roles[0], {"iam:PassedToService": "ec2.amazonaws.com"}),
        iam.Request("s3:GetObject", "arn:aws:s3:::payloads/workloads/airflow/x.json"),
        iam.Request("s3:PutObject", "arn:aws:s3:::payloads/other/x.json"),
        iam.Request("kms:Decrypt", KEYS["payloads"]),
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
