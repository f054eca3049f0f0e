"""``airflow fargate doctor`` with options left out, permissions missing or calls failing."""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import Any

import pytest

from airflow_fargate.airflow_versions import AIRFLOW_VERSION
from airflow_fargate.cli import checks, doctor, network, run_workload, session
from airflow_fargate.cli.session import Session
from airflow_fargate.errors import ConfigurationError
from airflow_fargate.settings.config import FargateConfig

BARE = FargateConfig(
    cluster="airflow", task_definition="worker", container_name="worker", subnets=("subnet-1",)
)


class AnswerError(Exception):
    """An error as boto3 raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


def rejecting(code: str) -> Any:
    """Return clients that reject every call with this code."""

    class Client:
        def __getattr__(self, name: str) -> Any:
            def call(**_: Any) -> None:
                raise AnswerError(code)

            return call

    return lambda service: Client()


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        (checks.event_queue, ("No event queue", "reconcile_interval")),
        (checks.payload_bucket, ("No payload bucket", "tokens", "Set [fargate] payload_bucket")),
        (checks.log_group, ("No log group", "Set [fargate] log_group")),
    ],
)
def test_an_optional_resource_left_out_is_reported(check: Any, facts: tuple[str, ...]) -> None:
    """It is neither ok nor a failure; the message says what is missing without it."""
    (finding,) = check(Session(BARE, rejecting("")))
    assert finding.ok is None
    assert all(fact in finding.message for fact in facts)


def test_a_check_without_permission_is_inconclusive(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The executor may still work: it needs fewer permissions than the doctor."""
    monkeypatch.setattr(doctor, "CHECKS", (checks.cluster, checks.credentials))
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(BARE, rejecting("AccessDeniedException")))
    assert doctor.main(Namespace(output="table")) == 0
    printed = capsys.readouterr().out
    assert printed.count("No permission to check") == 2
    assert "2 could not be checked" in printed


@pytest.mark.parametrize("check", [checks.event_queue, network.subnets])
def test_a_throttled_check_is_not_reported_as_missing(check: Any) -> None:
    """The check lets the error through, and the doctor explains it by its cause."""
    config = FargateConfig(**{**vars(BARE), "event_queue_url": "https://queue"})
    with pytest.raises(AnswerError, match="ThrottlingException"):
        list(check(Session(config, rejecting("ThrottlingException"))))


def test_a_single_zone_is_inconclusive() -> None:
    """It works until that zone has no capacity."""

    class Ec2:
        def describe_subnets(self, **_: Any) -> Any:
            return {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a"}]}

        def describe_route_tables(self, **_: Any) -> Any:
            route = {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"}
            return {"RouteTables": [{"VpcId": "vpc-1", "Routes": [route], "Associations": [{"Main": True}]}]}

    zone, way = network.subnets(Session(BARE, lambda _: Ec2()))
    assert (zone.ok, way.ok) == (None, True)
    assert "eu-west-1a" in zone.message
    assert "tgw-1" in way.message


def test_a_black_hole_is_no_default_route() -> None:
    """A deleted NAT gateway leaves a black hole, and a route to one network is no default route."""
    gone = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"}
    near = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}
    assert network._default_route({"Routes": [near, gone]}) == ""
    assert network._default_route({"Routes": [{"DestinationCidrBlock": "0.0.0.0/0"}]}) == ""


def test_a_wrong_section_is_reported_before_any_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The faults are printed without a traceback, and the exit code is 1."""
    from airflow_fargate import executor  # noqa: PLC0415  what the session imports

    def wrong(_: Any) -> None:
        raise ConfigurationError("[fargate] cluster is required.")

    monkeypatch.setattr(executor.FargateExecutor, "read_config", wrong)
    with pytest.raises(SystemExit) as ended:
        session.open_session(Namespace())
    assert ended.value.code == 1
    assert capsys.readouterr().err == "[fargate] cluster is required.\n"


def test_a_session_has_configuration_and_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a session makes no call, and botocore's log lines stay out of tables."""
    from airflow_fargate import executor  # noqa: PLC0415  as above

    monkeypatch.setattr(executor.FargateExecutor, "read_config", lambda _: BARE)
    opened = session.open_session(Namespace())
    assert opened.config is BARE
    assert callable(opened.clients)
    assert not logging.getLogger("botocore.credentials").isEnabledFor(logging.INFO)


def test_a_teams_section_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--team selects the team's cluster; a release without teams rejects it."""
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    shared = {"CLUSTER": "shared", "TASK_DEFINITION": "w", "CONTAINER_NAME": "w", "SUBNETS": "subnet-1"}
    for name, value in shared.items():
        monkeypatch.setenv(f"AIRFLOW__FARGATE__{name}", value)
        monkeypatch.setenv(f"AIRFLOW__DATA___FARGATE__{name}", value.replace("shared", "data-cluster"))
    assert session.open_session(Namespace(team="data")).config.cluster == "data-cluster"
    assert session.open_session(Namespace(team=None)).config.cluster == "shared"
    monkeypatch.setattr(session, "HAS_TEAMS", False)
    with pytest.raises(SystemExit) as ended:
        session.open_session(Namespace(team="data"))
    assert ended.value.code == 1
    assert "--team data needs Airflow 3.2" in capsys.readouterr().err


def test_run_workload_runs_the_entrypoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """For images without our entrypoint, with the same command line and exit code."""
    commands: list[list[str]] = []
    monkeypatch.setattr(run_workload, "run", lambda words: commands.append(words) or 66)
    assert run_workload.main(Namespace(reference="s3://bucket/key")) == 66
    assert commands == [["fargate", "run-workload", "s3://bucket/key"]]


def test_images_are_compared_with_this_airflow() -> None:
    """The version comes from the installed distribution."""
    from airflow import __version__  # noqa: PLC0415  slow, and needed only here

    assert __version__ == AIRFLOW_VERSION
