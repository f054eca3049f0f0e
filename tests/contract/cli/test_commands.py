"""``airflow fargate ...`` against an emulated account."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from airflow_fargate.cli import checks, doctor, network, render
from airflow_fargate.cli.network import API_SERVER
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import FargateConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/airflow:1"


@contextmanager
def emulated_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Yield a session on an account where everything is as it should be."""
    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x"), ("DEFAULT_REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        clients = {
            name: boto3.client(name, region_name=REGION)
            for name in ("ecs", "ec2", "ecr", "sqs", "s3", "logs", "sts")
        }
        _lead_out(clients["ec2"])
        subnets = [each["SubnetId"] for each in clients["ec2"].describe_subnets()["Subnets"][:2]]
        clients["ecs"].create_cluster(clusterName="airflow")
        clients["ecs"].register_task_definition(
            family="worker",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": "worker",
                    "image": IMAGE,
                    "environment": [{"name": API_SERVER, "value": "https://airflow.example.com/execution/"}],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {"awslogs-group": "/worker", "awslogs-stream-prefix": "worker"},
                    },
                }
            ],
        )
        clients["s3"].create_bucket(Bucket="payloads")
        clients["logs"].create_log_group(logGroupName="/worker")
        config = FargateConfig(
            cluster="airflow",
            task_definition="worker",
            container_name="worker",
            subnets=tuple(subnets),
            region=REGION,
            event_queue_url=clients["sqs"].create_queue(QueueName="events")["QueueUrl"],
            payload_bucket="payloads",
            log_group="/worker",
            log_stream_prefix="worker",
            assign_public_ip="ENABLED",
        )
        made = Session(config, clients.__getitem__)
        for module in (doctor, render):
            monkeypatch.setattr(module, "open_session", lambda _: made)
        yield made


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Return a session on an account of the test's own."""
    with emulated_account(monkeypatch) as found:
        yield found


def _lead_out(ec2: Any) -> None:
    """Let the account's default VPC lead to the internet, as AWS makes it; moto leaves that out."""
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    (table,) = ec2.describe_route_tables()["RouteTables"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def _push_image(session: Session) -> None:
    ecr = session.clients("ecr")
    ecr.create_repository(repositoryName="airflow")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    ecr.put_image(repositoryName="airflow", imageTag="1", imageManifest=json.dumps(manifest))


def _changed(session: Session, **changes: Any) -> Session:
    return Session(FargateConfig(**{**session.config.__dict__, **changes}), session.clients)


def test_doctor_is_content_with_a_whole_deployment(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything there: a line each, no FAIL, exit code 0."""
    _push_image(session)
    assert doctor.main(Namespace(output="table")) == 0
    told = capsys.readouterr().out
    assert "FAIL" not in told
    assert "\nNothing to be done." in told


def test_doctor_says_to_push_a_missing_image(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """An image that does not exist: its name, what to do, exit code 1."""
    session.clients("ecr").create_repository(repositoryName="airflow")
    assert doctor.main(Namespace(output="table")) == 1
    assert f"{IMAGE} does not exist: `make build-push`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("check", "changes", "words"),
    [
        (checks.cluster, {"cluster": "nowhere"}, "correct [fargate] cluster"),
        (checks.cluster, {"capacity_chain": ("FARGATE_SPOT",)}, "lacks FARGATE_SPOT"),
        (checks.definition, {"task_definition": "nothing"}, "Correct [fargate] task_definition"),
        (checks.definition, {"container_name": "nobody"}, "it has worker"),
        (checks.definition, {"log_group": "/other"}, "set [fargate] log_group"),
        (network.subnets, {"subnets": ("subnet-00000000",)}, "Correct [fargate] subnets"),
        (checks.queue, {"event_queue_url": f"https://sqs.{REGION}.amazonaws.com/123456789012/no"}, "correct"),
        (checks.logs, {"log_group": "/none"}, "correct [fargate] log_group"),
        (checks.queued_timeout, {"launch_timeout": 600.0}, "Lower the first or raise the second"),
    ],
)
def test_doctor_says_what_to_do(session: Session, check: Any, changes: dict[str, Any], words: str) -> None:
    """Each missing or wrong part: what is wrong, and the option to correct."""
    _push_image(session)
    failed = [each for each in check(_changed(session, **changes)) if each.ok is False]
    assert any(words in each.sentence for each in failed), failed


def test_doctor_goes_on_when_a_check_breaks(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One service that cannot be reached is one line, not the end."""

    def clients(service: str) -> Any:
        if service == "sqs":
            raise ConnectionError("no route to host")
        return session.clients(service)

    monkeypatch.setattr(doctor, "open_session", lambda _: Session(session.config, clients))
    assert doctor.main(Namespace(output="table")) == 1
    told = capsys.readouterr().out
    assert "no route to host" in told
    assert "payload bucket" in told


def test_doctor_tells_a_program_too(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON: a result, a check and a sentence each, and nothing else on standard output."""
    _push_image(session)
    assert doctor.main(Namespace(output="json")) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert {each["result"] for each in found} <= {"ok", "unknown"}
    assert {"check", "result", "says"} == set(found[0])
    assert "Nothing to be done." in told.err


def _asked(wishes: str | None, **changes: Any) -> Namespace:
    given = {"dag_id": None, "task_id": None, "run_id": None, "map_index": -1, "queue": None, "hook": None}
    return Namespace(**given | {"executor_config": wishes} | changes)


def test_render_prints_the_request(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The request as RunTask would get it, options applied."""
    assert render.main(_asked('{"cpu": 1024, "memory": 2048}')) == 0
    request = json.loads(capsys.readouterr().out)
    assert request["overrides"]["cpu"] == "1024"
    assert request["overrides"]["containerOverrides"][0]["command"][:3] == [
        "airflow",
        "fargate",
        "run-workload",
    ]


@pytest.mark.parametrize("given", ['{"cpu": 300, "memory": 512}', '{"memori": 1}', "{not json"])
def test_render_refuses_with_a_sentence(
    session: Session, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    """What a task would be refused for is said, with exit code 1."""
    assert render.main(_asked(given)) == 1
    assert capsys.readouterr().err.count("\n") == 1
