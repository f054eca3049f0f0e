"""Wrong inputs, and the facts in their messages: what is wrong, the value, and what to do.

Each row is one mistake that a user can make. One cause gives one message.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions

from airflow_fargate import cli
from airflow_fargate.airflow_versions import HAS_TEAMS
from airflow_fargate.cli import cost, doctor, render
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import read_config
from airflow_fargate.testing import SECTION
from unit.examples import client_error

if TYPE_CHECKING:
    from collections.abc import Callable

Captured = pytest.CaptureFixture[str]
NO_OPTIONS = {"dag_id": None, "task_id": None, "run_id": None, "map_index": -1, "queue": None, "hook": None}


def section(monkeypatch: pytest.MonkeyPatch, **options: str) -> None:
    """Configure the smallest section, with these options on top, as environment variables."""
    for name, value in {**SECTION, **options}.items():
        monkeypatch.setenv(f"AIRFLOW__FARGATE__{name.upper()}", value)


def run(command: Callable[[Any], int], *, team: str | None = None, **arguments: Any) -> int:
    """Run a command as Airflow's CLI does; return its exit code."""
    try:
        return command(Namespace(output="table", team=team, **arguments))
    except SystemExit as exited:
        return int(exited.code or 0)


# --- the section --------------------------------------------------------------------------------------------


def sample(count: int) -> str:
    """Return a JSON object with so many tags."""
    return json.dumps({f"tag-{n}": "v" for n in range(count)})


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        (
            {"subnets": ""},
            ("[fargate] subnets is required", "subnet-0aaa", "terraform output -raw airflow_cfg"),
        ),
        ({"subnets": '["subnet-1"]'}, ("[fargate] subnets", "without quotes", "subnet-0aaa,subnet-0bbb")),
        ({"security_groups": "a,b,c,d,e,f"}, ("[fargate] security_groups", "at most 5", "got 6")),
        ({"clster": "x"}, ("'clster' is not an option", "Did you mean cluster?")),
        ({"launch_type": "LAMBDA"}, ("[fargate] launch_type must be FARGATE or EC2", "got 'LAMBDA'")),
        ({"launch_timeout": "9 min"}, ("[fargate] launch_timeout must be a number", "got '9 min'", "540")),
        ({"run_task_burst": "2.5"}, ("[fargate] run_task_burst must be an integer", "got '2.5'")),
        ({"round_up_sizes": "maybe"}, ("[fargate] round_up_sizes must be True or False", "got 'maybe'")),
        ({"tags": "team=data"}, ("[fargate] tags must be a JSON object", "got 'team=data'")),
        ({"tags": '{"aws:x": "1"}'}, ("[fargate] tags", "'aws:x'", "AWS reserves")),
        ({"tags": '{"": "1"}'}, ("[fargate] tags", "must not be empty")),
        ({"tags": sample(41)}, ("[fargate] tags must have at most 40", "got 41")),
        ({"capacity_chain": "FARGATE,SPOT"}, ("[fargate] capacity_chain", "'SPOT'", "FARGATE_SPOT?")),
        (
            {"capacity_chain": "mine", "assign_public_ip": "true"},
            ("[fargate] assign_public_ip = ENABLED needs Fargate", "capacity_chain = mine", "DISABLED"),
        ),
        ({"region": "US East 1"}, ("[fargate] region must be an AWS region", "us-east-1", "got 'US East 1'")),
        ({"container_name": "wor\nker"}, ("[fargate] container_name", "control characters", r"'wor\nker'")),
        ({"deployment": "my airflow"}, ("[fargate] deployment must be 1 to 64", "got 'my airflow'")),
        ({"payload_bucket": "s3://b/p"}, ("payload_bucket must be the name of a bucket", "payload_prefix")),
        ({"event_queue_url": "events"}, ("event_queue_url must be the URL", "got 'events'", "https://sqs")),
        (
            {"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/a"},
            ("[fargate] cluster is in eu-west-1", "region = us-east-1"),
        ),
        ({"profiles": "[]"}, ("[fargate] profiles must be a JSON object", "got '[]'")),
        ({"profiles": '{"big": {"cpus": 1}}'}, ("[fargate] profiles['big']", "'cpus'", "Did you mean cpu?")),
        ({"profiles": '{"big": {"memory": "8GB"}}'}, ("profiles['big']: memory must be", "MiB", "got '8GB'")),
        (
            {"profiles": '{"big": {"cpu": 1000, "memory": 2048}}'},
            (
                "[fargate] profiles['big']: Fargate has no size with cpu=1000, memory=2048",
                "cpu=1024, memory=2048",
            ),
        ),
        ({"profiles": '{"spot": {"capacity": ["SPOT"]}}'}, ("profiles['spot']: capacity", "FARGATE_SPOT?")),
    ],
)
def test_a_wrong_section_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, options: dict[str, str], facts: tuple[str, ...]
) -> None:
    """One line on standard error, before any call to AWS, and exit code 1."""
    section(monkeypatch, **options)
    assert run(doctor.main) == 1
    written = capsys.readouterr()
    (line,) = written.err.splitlines()
    assert all(fact in line for fact in facts), line
    assert written.out == ""


@pytest.mark.skipif(not HAS_TEAMS, reason="teams come with Airflow 3.2")
@pytest.mark.parametrize(
    ("own", "facts"),
    [
        ({}, ("Team 'nosuch' has no options", "Correct --team", "AIRFLOW__NOSUCH___FARGATE__CLUSTER")),
        ({"CLUSTER": "a"}, ("Team 'nosuch'", "AIRFLOW__NOSUCH___FARGATE__", "[fargate] subnets is required")),
    ],
)
def test_a_wrong_team_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, own: dict[str, str], facts: tuple[str, ...]
) -> None:
    """A team without any option gets one line; one with some gets the faults of its own section."""
    section(monkeypatch)
    for name, value in own.items():
        monkeypatch.setenv(f"AIRFLOW__NOSUCH___FARGATE__{name}", value)
    assert run(doctor.main, team="nosuch") == 1
    written = capsys.readouterr().err
    assert all(fact in written for fact in facts), written
    assert len(written.splitlines()) == 1 + 4 * bool(own) - bool(own)


# --- executor_config ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ("{cpu:1}", ("--executor-config must be a JSON object", "got '{cpu:1}'", "line 1")),
        ("[]", ("--executor-config must be a dictionary", "got []")),
        ('{"memori": 1}', ("--executor-config: 'memori' is not an option", "Did you mean memory?")),
        (
            '{"cpu": "1 vCPU"}',
            ("--executor-config: cpu must be a positive integer", "CPU units", "got '1 vCPU'"),
        ),
        ('{"memory": "8GB"}', ("memory must be a positive integer (MiB)", "got '8GB'")),
        ('{"cpu": 300, "memory": 512}', ("no size with cpu=300, memory=512", "cpu=512, memory=1024")),
        ('{"ephemeral_storage": 500}', ("ephemeral_storage must be 21 to 200 (GiB)", "got 500")),
        ('{"capacity": ["SPOT"]}', ("capacity: 'SPOT' is not a capacity provider", "FARGATE_SPOT?")),
        ('{"capacity": "EC2"}', ("capacity: 'EC2' is a launch type", "launch_type = EC2")),
        ('{"env": {"A": 1}}', ("env['A'] must be a string", "got 1")),
        ('{"env": {"": "x"}}', ("env: the name of a variable must not be empty",)),
        ('{"tags": {"aws:x": "1"}}', ("tags: 'aws:x'", "AWS reserves")),
        ('{"tags": {"": "1"}}', ("tags: a tag's key must not be empty",)),
        ('{"run_task": {"grup": "x"}}', ("grup",)),
        ('{"run_task": {"tags": [{"key": "aws:x", "value": "1"}]}}', ("'aws:x'", "AWS reserves")),
        ('{"run_task": {"tags": [{"key": "", "value": "1"}]}}', ("tags[0].key",)),
        ('{"run_task": {"cluster": "other"}}', ("got 'other'", "[fargate] cluster", "'airflow'")),
        (
            '{"run_task": {"overrides": {"containerOverrides": [{"name": "worker", "command": ["ls"]}]}}}',
            ("'worker'", "run_task", "must keep the command"),
        ),
    ],
)
def test_render_rejects_what_the_executor_would_reject(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, given: str, facts: tuple[str, ...]
) -> None:
    """One line that names the option, and exit code 1."""
    section(monkeypatch)
    assert run(render.main, executor_config=given, **NO_OPTIONS) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert all(fact in line for fact in facts), line


def test_render_needs_a_task_after_the_dag(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """The message shows the command line to type."""
    section(monkeypatch)
    assert run(render.main, executor_config=None, **NO_OPTIONS | {"dag_id": "sales"}) == 1
    assert (
        "TASK_ID is required after DAG_ID: airflow fargate render sales TASK_ID." in capsys.readouterr().err
    )


# --- AWS ----------------------------------------------------------------------------------------------------


class Account:
    """Answers every call with an error, or the calls named with theirs and the others with nothing."""

    def __init__(self, error: Exception | None = None, **by_call: Exception) -> None:
        self.error, self.by_call = error, by_call

    def __call__(self, service: str) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            error = self.by_call.get(name, self.error)
            if error is not None:
                raise error
            raise client_error("InternalFailure", "not part of this test", 500)

        return call


def endpoint(region: str) -> Exception:
    """Return what boto3 raises for a region without an endpoint."""
    return exceptions.EndpointConnectionError(endpoint_url=f"https://sts.{region}.amazonaws.com/")


EXPIRED = client_error("ExpiredTokenException", "The security token included in the request is expired", 403)


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (exceptions.NoCredentialsError(), ("credentials", "role or AWS credentials", "Unable to locate")),
        (EXPIRED, ("credentials", "role or AWS credentials", "expired")),
        (exceptions.ProfileNotFound(profile="nobody"), ("Correct AWS_PROFILE", "(nobody)")),
        (exceptions.NoRegionError(), ("No region is set.", "Set [fargate] region.")),
        (
            exceptions.InvalidRegionError(region_name="us east 1"),
            ("Correct [fargate] region.", "'us east 1'"),
        ),
    ],
)
def test_without_access_to_aws_the_doctor_prints_one_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, error: Exception, facts: tuple[str, ...]
) -> None:
    """The cause and its remedy once; the checks that need AWS are named as not made."""
    config = read_config(SECTION, dict(SECTION).get)
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(config, Account(error)))
    assert run(doctor.main) == 1
    lines = capsys.readouterr().out.splitlines()
    (failure,) = [line for line in lines if line.startswith("FAIL")]
    assert all(fact in failure for fact in facts), failure
    assert any(line.startswith("?") and "Not checked without AWS: cluster" in line for line in lines)
    assert lines[-1].startswith("1 of ")


@pytest.mark.parametrize(
    ("region", "facts"),
    [
        ("us-nowhere-1", ("no region 'us-nowhere-1'", "Correct [fargate] region", "did you mean us-")),
        ("eu-central-1", ("could not connect", "proxy, DNS, VPC endpoints", "sts.eu-central-1")),
    ],
)
def test_an_unknown_region_is_told_from_a_missing_route(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, region: str, facts: tuple[str, ...]
) -> None:
    """boto3 knows the regions; the same error for a region that exists is about the network."""
    config = replace(read_config(SECTION, dict(SECTION).get), region=region)
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(config, Account(endpoint(region))))
    assert run(doctor.main) == 1
    (failure,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert all(fact in failure for fact in facts), failure
    assert "Also: cluster, task definition, subnets, payload bucket." in failure.replace(". Also:", ",")


def refused(call: str, code: str, message: str, status: int = 400) -> Account:
    """Return an account on which one call is rejected."""
    return Account(**{call: client_error(code, message, status)})


@pytest.mark.parametrize(
    ("account", "facts"),
    [
        (
            refused("describe_task_definition", "ClientException", "Unable to describe task definition."),
            ("task definition", "[fargate] task_definition = 'airflow-worker'", "Create the task definition"),
        ),
        (
            refused("put_object", "NoSuchBucket", "The specified bucket does not exist", 404),
            ("payload bucket", "[fargate] payload_bucket = 'payloads'", "Create the bucket"),
        ),
        (
            refused("describe_clusters", "ClusterNotFoundException", "Cluster not found."),
            ("cluster", "[fargate] cluster = 'airflow'", "Create the cluster"),
        ),
        (
            refused(
                "describe_subnets", "InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist"
            ),
            ("subnets", "'subnet-1'", "Correct [fargate] subnets"),
        ),
        (
            refused("get_queue_attributes", "AWS.SimpleQueueService.NonExistentQueue", "does not exist"),
            ("event queue", "[fargate] event_queue_url = 'https://", "Create the queue"),
        ),
    ],
)
def test_a_missing_resource_is_named_with_its_option(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, account: Account, facts: tuple[str, ...]
) -> None:
    """The option, its value, and the remedy of the executor's own table."""
    given = {**SECTION, "event_queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/events"}
    config = read_config(given, given.get)
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(config, account))
    assert run(doctor.main) == 1
    failures = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert any(all(fact in line for fact in facts) for line in failures), failures


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"execution_config_function": "no.such.module"}, ("execution_config_function", "'no.such.module'")),
        ({"execution_config_function": "os.getcwd"}, ("'os.getcwd' must return a function",)),
        (
            {"profiles": '{"big": {"run_task": {"cluster": "other"}}}'},
            ("[fargate] profiles['big']:", "'other'"),
        ),
        (
            {"launch_timeout": "600"},
            ("launch_timeout must be below [scheduler] task_queued_timeout", "got 600"),
        ),
    ],
)
def test_the_doctor_finds_what_would_fail_every_task(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, options: dict[str, str], facts: tuple[str, ...]
) -> None:
    """A hook, a profile or a timeout that is well-formed and does not work."""
    given = {**SECTION, **options}
    config = read_config(given, given.get)
    account = Account(exceptions.NoCredentialsError())
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(config, account))
    assert run(doctor.main) == 1
    failures = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert any(all(fact in line for fact in facts) for line in failures), failures


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (exceptions.NoCredentialsError(), ("role or AWS credentials", "Unable to locate credentials")),
        (client_error("ClusterNotFoundException", "Cluster not found."), ("Create the cluster", "not found")),
        (client_error("ThrottlingException", "Rate exceeded"), ("run_task_rate", "Rate exceeded")),
        (client_error("AccessDeniedException", "not you"), ("scheduler_policy_arn", "not you")),
        (endpoint("us-nowhere-1"), ("no region 'us-nowhere-1'",)),
    ],
)
def test_every_command_explains_an_error_of_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, error: Exception, facts: tuple[str, ...]
) -> None:
    """Cause, remedy and AWS's text in one line, without a traceback, and exit code 1."""
    from airflow_fargate.cli import tasks  # noqa: PLC0415  what the command imports

    section(monkeypatch)

    def listing(_: Any) -> int:
        raise error

    monkeypatch.setattr(tasks, "main", listing)
    (group,) = cli.commands()
    (command,) = [each for each in group.subcommands if each.name == "tasks"]
    assert run(command.func) == 1
    line, advice = capsys.readouterr().err.splitlines()
    assert all(fact in line for fact in facts), line
    assert "airflow fargate doctor" in advice


def test_an_empty_bill_says_how_to_activate_the_tags(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Cost Explorer answers with nothing until the tags are activated."""
    config = read_config(SECTION, dict(SECTION).get)
    explorer = Namespace(get_cost_and_usage=lambda **_: {"ResultsByTime": []})
    monkeypatch.setattr(cost, "open_session", lambda _: Session(config, lambda _: explorer))
    assert run(cost.main, source="bill", days=7, vcpu_hour=None, gb_hour=None) == 0
    written = capsys.readouterr().err
    for fact in ("'airflow' in the last 7 days", "Activate airflow-fargate:dag-id", "cost allocation tags"):
        assert fact in written


def test_a_wrong_value_is_printed_safely(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Control characters of a name or a value are escaped."""
    section(monkeypatch, region="us-east-1\x1b[2J", launch_type="EC2\r[x")
    assert run(doctor.main) == 1
    assert "'EC2\\r[x'" in (written := capsys.readouterr().err)
    assert not {"\r", "\x1b"} & set(written)
    sys.stdout.flush()
