"""Wrong inputs, and their messages: what is wrong, the value, and what to do.

Each row is one mistake that a user can make. One cause gives one message. The rows are in
docs/generators/wrong_inputs.yaml, and docs/wrong_inputs.md shows them.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import shlex
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions

from airflow_fargate import cli
from airflow_fargate.airflow_versions import HAS_TEAMS
from airflow_fargate.cli import cost, doctor, render
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import read_config
from airflow_fargate.testing import SECTION
from airflow_fargate.worker import entrypoint, stopping
from docs.generators.wrong_inputs import rows
from unit.examples import client_error

if TYPE_CHECKING:
    from collections.abc import Callable

Captured = pytest.CaptureFixture[str]
NO_OPTIONS = {"dag_id": None, "task_id": None, "run_id": None, "map_index": -1, "queue": None, "hook": None}


def section(monkeypatch: pytest.MonkeyPatch, **options: str) -> None:
    """Configure the smallest section, with these options on top, as environment variables."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW__FARGATE__")]:
        monkeypatch.delenv(name)
    for name, value in {**SECTION, **options}.items():
        monkeypatch.setenv(f"AIRFLOW__FARGATE__{name.upper()}", value)


def run(command: Callable[[Any], int], *, team: str | None = None, **arguments: Any) -> int:
    """Run a command as Airflow's CLI does; return its exit code."""
    try:
        return command(Namespace(output="table", team=team, **arguments))
    except SystemExit as exited:
        return int(exited.code or 0)


# --- the section --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", rows("section"))
def test_a_wrong_section_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, typed: str
) -> None:
    """One line on standard error, before any call to AWS, and exit code 1."""
    given = (line.partition("=") for line in typed.splitlines())
    section(monkeypatch, **{name.strip(): value.strip() for name, _, value in given})
    assert run(doctor.main) == 1
    written = capsys.readouterr()
    assert written.err.splitlines() == [rows("section")[typed]]
    assert written.out == ""


def test_there_is_room_for_the_standard_tags(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """ECS takes fifty, the executor's own included."""
    section(monkeypatch, tags=json.dumps({f"tag-{n}": "v" for n in range(41)}))
    assert run(doctor.main) == 1
    assert "[fargate] tags must have at most 40 entries, got 41." in capsys.readouterr().err


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


@pytest.mark.parametrize("typed", rows("executor_config"))
def test_render_rejects_what_the_executor_would_reject(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, typed: str
) -> None:
    """One line that names the option, and exit code 1."""
    section(monkeypatch)
    assert run(render.main, executor_config=typed, **NO_OPTIONS) == 1
    assert capsys.readouterr().err.splitlines() == [rows("executor_config")[typed]]


# --- the command line ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parser() -> Any:
    """Return Airflow's own parser, with our commands alone."""
    from airflow.cli import cli_parser  # noqa: PLC0415  slow

    made = cli_parser.DefaultHelpParser(prog="airflow", formatter_class=cli_parser.AirflowHelpFormatter)
    cli_parser._add_command(made.add_subparsers(dest="subcommand"), *cli.commands())
    return made


def type_line(line: str, parser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what a shell does with a line; the account has no credentials, and the machine names no region."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    section(monkeypatch)
    # The worker's process is its container's: it blocks signals, joins its streams, and collects no garbage.
    monkeypatch.setattr(stopping, "TaskStop", lambda **_: None)
    monkeypatch.setattr(entrypoint, "join_streams", lambda: None)
    monkeypatch.setattr(gc, "disable", lambda: None)
    words = shlex.split(line)
    while not words[0].startswith("airflow"):
        monkeypatch.setenv(*words.pop(0).split("=", 1))
    with contextlib.suppress(SystemExit):
        arguments = parser.parse_args(words[1:])
        arguments.func(arguments)


@pytest.mark.parametrize("typed", rows("command"))
def test_a_wrong_command_line_is_answered_in_a_line_or_two(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, parser: Any, typed: str
) -> None:
    """What was wrong and what to do; a wrong argument is preceded by the command's help, as Airflow does."""
    type_line(typed, parser, monkeypatch)
    written = capsys.readouterr()
    assert (written.err.strip() or written.out.strip()) == rows("command")[typed]


def test_a_database_that_cannot_be_read_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """As on a machine that is not the scheduler's."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415  comes with Airflow

    def listing(_: Any) -> int:
        raise OperationalError("SELECT 1", {}, Exception("no such table: task_instance"))

    monkeypatch.setattr(cost, "main", listing)
    (group,) = cli.commands()
    (command,) = [each for each in group.subcommands if each.name == "cost"]
    assert run(command.func) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Airflow's database could not be read: no such table: task_instance")
    assert "where the scheduler runs" in line


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


def refused(operation: str, code: str, message: str) -> Account:
    """Return an account on which one call is rejected."""
    call = re.sub("(?<!^)(?=[A-Z])", "_", operation).lower()
    return Account(**{call: exceptions.ClientError({"Error": {"Code": code, "Message": message}}, operation)})


EXPIRED = {"Code": "ExpiredToken", "Message": "The security token included in the request is expired"}
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/events"
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
NO_SUBNET = "The subnet ID 'subnet-1' does not exist"
ACCOUNTS = {
    "no credentials": Account(exceptions.NoCredentialsError()),
    "a token that has expired": Account(exceptions.ClientError({"Error": EXPIRED}, "GetCallerIdentity")),
    "AWS_PROFILE=nobody": Account(exceptions.ProfileNotFound(profile="nobody")),
    "no region": Account(exceptions.NoRegionError()),
    "region = us-nowhere-1": Account(endpoint("us-nowhere-1")),
    "region = eu-central-1, which cannot be reached": Account(endpoint("eu-central-1")),
    "a cluster that does not exist": refused(
        "DescribeClusters", "ClusterNotFoundException", "Cluster not found."
    ),
    "a task definition that does not exist": refused(
        "DescribeTaskDefinition", "ClientException", "Unable to describe task definition."
    ),
    "subnets that do not exist": refused("DescribeSubnets", "InvalidSubnetID.NotFound", NO_SUBNET),
    "a payload bucket that does not exist": refused(
        "PutObject", "NoSuchBucket", "The specified bucket does not exist"
    ),
    "an event queue that does not exist": refused("GetQueueAttributes", NO_QUEUE, "does not exist"),
}
"""What is wrong -> an account that answers so."""


def failures_of(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, account: Account, **options: str
) -> list[str]:
    """Return the doctor's lines about failures, without the columns' blanks."""
    given = {**SECTION, **options}
    config = read_config(given, given.get)
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(config, account))
    assert run(doctor.main) == 1
    return [" ".join(each.split()) for each in capsys.readouterr().out.splitlines() if each[:4] == "FAIL"]


@pytest.mark.parametrize("wrong", rows("doctor"))
def test_the_doctor_names_the_cause_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, wrong: str
) -> None:
    """The option, its value, and the remedy of the executor's own table; one failure if no call works."""
    of_region = {"region": wrong.split()[2].rstrip(",")} if wrong.startswith("region") else {}
    failures = failures_of(monkeypatch, capsys, ACCOUNTS[wrong], **(of_region or {"event_queue_url": QUEUE}))
    assert rows("doctor")[wrong] in failures
    if ACCOUNTS[wrong].error is not None:
        assert len(failures) == 1


def test_without_access_to_aws_the_doctor_says_what_was_not_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """One line names all of it."""
    config = read_config(SECTION, dict(SECTION).get)
    account = ACCOUNTS["no credentials"]
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(config, account))
    assert run(doctor.main) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("?") and "Not checked without AWS: cluster" in line for line in lines)
    assert lines[-1].startswith("1 of ")


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
    failures = failures_of(monkeypatch, capsys, ACCOUNTS["no credentials"], **options)
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
