"""``airflow fargate doctor`` and what is left out, refused or broken."""

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
    """AWS's refusal, as boto3 raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


def refusing(code: str) -> Any:
    """Return clients of which every call is refused with this code."""

    class Client:
        def __getattr__(self, name: str) -> Any:
            def call(**_: Any) -> None:
                raise AnswerError(code)

            return call

    return lambda service: Client()


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (checks.queue, "described every 10 seconds"),
        (checks.bucket, "tokens stand in the container override"),
        (checks.logs, "without the container's last lines"),
    ],
)
def test_what_is_not_configured_is_said_with_its_price(check: Any, words: str) -> None:
    """A smaller deployment is allowed: neither ok nor a fault, and what it costs."""
    (finding,) = check(Session(BARE, refusing("")))
    assert finding.ok is None
    assert words in finding.sentence


def test_what_we_may_not_look_at_is_not_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check without its permission says so; the executor may work all the same."""
    monkeypatch.setattr(doctor, "CHECKS", (checks.cluster, checks.credentials))
    monkeypatch.setattr(doctor, "open_session", lambda _: Session(BARE, refusing("AccessDeniedException")))
    assert doctor.main(Namespace(output="table")) == 0
    told = capsys.readouterr().out
    assert told.count("Not allowed to look") == 2
    assert "2 could not be checked" in told


@pytest.mark.parametrize("check", [checks.queue, network.subnets])
def test_another_error_is_told_in_aws_s_words(check: Any) -> None:
    """Throttled is not missing: no advice that leads astray."""
    config = FargateConfig(**{**vars(BARE), "event_queue_url": "https://queue"})
    with pytest.raises(AnswerError, match="ThrottlingException"):
        list(check(Session(config, refusing("ThrottlingException"))))


def test_one_zone_is_told_and_no_fault() -> None:
    """It works, until that zone has no capacity."""

    class Ec2:
        def describe_subnets(self, **_: Any) -> Any:
            return {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a"}]}

        def describe_route_tables(self, **_: Any) -> Any:
            route = {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"}
            return {"RouteTables": [{"VpcId": "vpc-1", "Routes": [route], "Associations": [{"Main": True}]}]}

    zone, way = network.subnets(Session(BARE, lambda _: Ec2()))
    assert (zone.ok, way.ok) == (None, True)
    assert "that zone's lack of capacity" in zone.sentence
    assert "tgw-1" in way.sentence


def test_a_route_to_nowhere_is_no_way_out() -> None:
    """A NAT gateway that was deleted leaves a black hole; a route to one network is no way to the others."""
    gone = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"}
    near = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}
    assert network._default_route({"Routes": [near, gone]}) == ""
    assert network._default_route({"Routes": [{"DestinationCidrBlock": "0.0.0.0/0"}]}) == ""


def test_a_wrong_section_is_told_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentences, exit code 1, no traceback."""
    from airflow_fargate import executor  # noqa: PLC0415  what the session would import

    def wrong(_: Any) -> None:
        raise ConfigurationError("[fargate] cluster is missing: set it.")

    monkeypatch.setattr(executor.FargateExecutor, "read_config", wrong)
    with pytest.raises(SystemExit) as ended:
        session.open_session(Namespace())
    assert ended.value.code == 1
    assert capsys.readouterr().err == "[fargate] cluster is missing: set it.\n"


def test_a_session_has_the_configuration_and_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the section as Airflow reads it; no call is made; botocore's chatter stays out of tables."""
    from airflow_fargate import executor  # noqa: PLC0415  as above

    monkeypatch.setattr(executor.FargateExecutor, "read_config", lambda _: BARE)
    opened = session.open_session(Namespace())
    assert opened.config is BARE
    assert callable(opened.clients)
    assert not logging.getLogger("botocore.credentials").isEnabledFor(logging.INFO)


def test_a_team_s_section_is_read_where_airflow_has_teams(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--team: its cluster and not everyone's; on a release without teams a sentence."""
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    everyones = {"CLUSTER": "shared", "TASK_DEFINITION": "w", "CONTAINER_NAME": "w", "SUBNETS": "subnet-1"}
    for name, value in everyones.items():
        monkeypatch.setenv(f"AIRFLOW__FARGATE__{name}", value)
        monkeypatch.setenv(f"AIRFLOW__DATA___FARGATE__{name}", value.replace("shared", "data-cluster"))
    assert session.open_session(Namespace(team="data")).config.cluster == "data-cluster"
    assert session.open_session(Namespace(team=None)).config.cluster == "shared"
    monkeypatch.setattr(session, "HAS_TEAMS", False)
    with pytest.raises(SystemExit) as ended:
        session.open_session(Namespace(team="data"))
    assert ended.value.code == 1
    assert "teams come with Airflow 3.2" in capsys.readouterr().err


def test_run_workload_is_the_entrypoint_s_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """For images without our entrypoint: the same command line, the same exit code."""
    asked: list[list[str]] = []
    monkeypatch.setattr(run_workload, "run", lambda words: asked.append(words) or 66)
    assert run_workload.main(Namespace(reference="s3://bucket/key")) == 66
    assert asked == [["fargate", "run-workload", "s3://bucket/key"]]


def test_the_version_is_this_airflow_s() -> None:
    """What images are compared with."""
    from airflow import __version__  # noqa: PLC0415  slow, and needed here alone

    assert __version__ == AIRFLOW_VERSION
