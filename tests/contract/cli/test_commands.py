"""``airflow fargate ...`` against an emulated account."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from airflow_fargate.cli import checks, doctor, render
from airflow_fargate.cli.network import API_SERVER
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import FargateConfig
from airflow_fargate.settings.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/airflow:1"


@contextmanager
def emulated_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Yield a session on an account with a complete deployment."""
    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x"), ("DEFAULT_REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        clients = {
            name: boto3.client(name, region_name=REGION)
            for name in ("ecs", "ec2", "ecr", "sqs", "s3", "logs", "sts")
        }
        _route_to_the_internet(clients["ec2"])
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
    """Return a session on a new account."""
    with emulated_account(monkeypatch) as found:
        yield found


def _route_to_the_internet(ec2: Any) -> None:
    """Give the default VPC its route to the internet, which AWS creates and moto leaves out."""
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


def test_doctor_passes_on_a_complete_deployment(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Each check prints a line, none is FAIL, and the exit code is 0."""
    _push_image(session)
    assert doctor.main(Namespace(output="table")) == 0
    printed = capsys.readouterr().out
    assert "FAIL" not in printed
    assert "\nAll checks passed." in printed


def test_doctor_says_to_push_a_missing_image(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """For an image that does not exist, the message has its name and the command to run."""
    session.clients("ecr").create_repository(repositoryName="airflow")
    assert doctor.main(Namespace(output="table")) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "FAIL  image" in line]
    assert IMAGE in line
    assert "make build-push" in line


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"cluster": "nowhere"}, ("cluster = 'nowhere'", "correct [fargate] cluster")),
        ({"capacity_chain": ("FARGATE_SPOT",)}, ("no capacity provider FARGATE_SPOT", "capacity_chain")),
        (
            {"profiles": {"spot": TaskOptions(capacity=("FARGATE_SPOT",))}},
            ("FARGATE_SPOT", "profiles['spot']"),
        ),
        ({"task_definition": "nothing"}, ("'nothing'", "correct [fargate] task_definition")),
        ({"container_name": "nobody"}, ("container_name", "(worker)", "got 'nobody'")),
        ({"log_group": "/other"}, ("Set [fargate] log_group", "'/worker'", "got '/other'")),
        ({"subnets": ("subnet-00000000",)}, ("subnet-00000000", "Correct [fargate] subnets")),
        (
            {"event_queue_url": f"https://sqs.{REGION}.amazonaws.com/123456789012/no"},
            ("123456789012/no'", "correct [fargate] event_queue_url"),
        ),
        ({"log_group": "/none"}, ("'/none'", "correct [fargate] log_group")),
        ({"payload_bucket": "nowhere"}, ("payload_bucket = 'nowhere'", "Create the bucket")),
        ({"launch_timeout": 600.0}, ("got 600", "Lower the first or raise the second")),
    ],
)
def test_doctor_says_what_to_do(session: Session, changes: dict[str, Any], facts: tuple[str, ...]) -> None:
    """For each missing or wrong resource, the message has the value and the option to correct."""
    _push_image(session)
    failed = [each.message for each in doctor.examine(_changed(session, **changes)) if each.ok is False]
    assert any(all(fact in message for fact in facts) for message in failed), failed


def test_doctor_names_capacity_without_a_public_address(session: Session) -> None:
    """A task on a capacity provider of container instances gets no public address: worth a look."""
    session.clients("ecs").put_cluster_capacity_providers(
        cluster="airflow", capacityProviders=["FARGATE", "mine"], defaultCapacityProviderStrategy=[]
    )
    found = checks.cluster(_changed(session, capacity_chain=("FARGATE", "mine")))
    (finding,) = [each for each in found if each.about == "capacity"]
    assert finding.ok is None
    assert "mine" in finding.message
    assert "assign_public_ip" in finding.message


def test_doctor_continues_after_a_failed_check(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that cannot be reached is one line."""

    def clients(service: Any) -> Any:
        if service == "sqs":
            raise ConnectionError("no route to host")
        return session.clients(service)

    monkeypatch.setattr(doctor, "open_session", lambda _: Session(session.config, clients))
    assert doctor.main(Namespace(output="table")) == 1
    printed = capsys.readouterr().out
    assert "no route to host" in printed
    assert "payload bucket" in printed


def test_doctor_prints_json(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Each check has a result and a message, and standard output holds nothing else."""
    _push_image(session)
    assert doctor.main(Namespace(output="json")) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert {each["result"] for each in found} <= {"ok", "unknown"}
    assert {"check", "result", "message"} == set(found[0])
    assert "All checks passed." in printed.err


def _arguments(executor_config: str | None, **changes: Any) -> Namespace:
    given = {"dag_id": None, "task_id": None, "run_id": None, "map_index": -1, "queue": None, "hook": None}
    return Namespace(**given | {"executor_config": executor_config} | changes)


def test_render_prints_the_request(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The output is the request for RunTask, with the options applied."""
    assert render.main(_arguments('{"cpu": 1024, "memory": 2048}')) == 0
    request = json.loads(capsys.readouterr().out)
    assert request["overrides"]["cpu"] == "1024"
    assert request["overrides"]["containerOverrides"][0]["command"][:3] == [
        "airflow",
        "fargate",
        "run-workload",
    ]


def test_render_prints_the_request_of_a_standby(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as a task's, but for the command, startedBy, and tags that name no task."""
    assert render.main(_arguments(None, standby=True, queue="big")) == 0
    request = json.loads(capsys.readouterr().out)
    (container,) = request["overrides"]["containerOverrides"]
    assert container["command"][:3] == ["airflow", "fargate", "standby"]
    assert request["startedBy"] == "airflow/standby"
    tags = {each["key"]: each["value"] for each in request["tags"]}
    assert tags["airflow-fargate:standby-queue"] == "big"
    assert "airflow-fargate:dag-id" not in tags


def test_doctor_writes_and_reads_what_standbys_need(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second run too, which finds the object of the first."""
    _push_image(session)
    monkeypatch.setattr(doctor, "open_session", lambda _: _changed(session, standby={"default": {"min": 1}}))
    for _ in range(2):
        assert doctor.main(Namespace(output="table")) == 0
        assert "ok    standbys" in capsys.readouterr().out


@pytest.mark.parametrize("given", ['{"cpu": 300, "memory": 512}', '{"memori": 1}', "{not json"])
def test_render_rejects_what_the_executor_rejects(
    session: Session, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    """One line on standard error, and exit code 1."""
    assert render.main(_arguments(given)) == 1
    assert capsys.readouterr().err.count("\n") == 1
