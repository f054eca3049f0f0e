"""``airflow fargate doctor`` checks the routes from the subnets to what a container needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from airflow_fargate.cli import network
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import FargateConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.cli.findings import Finding

REGION = "us-east-1"


class Vpc:
    """A VPC with two subnets in two zones that share a route table."""

    def __init__(self) -> None:
        self.ec2 = boto3.client("ec2", region_name=REGION)
        self.container: dict[str, Any] = {}
        self.changes: dict[str, dict[str, Any]] = {}
        self.id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = tuple(self.subnet(number) for number in (0, 1))
        self.table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        for subnet in self.subnets:
            self.ec2.associate_route_table(RouteTableId=self.table, SubnetId=subnet)

    def subnet(self, number: int) -> str:
        """Add a subnet without a route table of its own."""
        zone = f"{REGION}{'abc'[number]}"
        made = self.ec2.create_subnet(VpcId=self.id, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)
        return str(made["Subnet"]["SubnetId"])

    def internet_gateway(self) -> None:
        """Route the subnets to an internet gateway."""
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.id)
        self._route(GatewayId=gateway)

    def nat_gateway(self) -> None:
        """Route the subnets to a NAT gateway."""
        made = self.ec2.create_nat_gateway(SubnetId=self.subnets[0], ConnectivityType="private")
        self._route(NatGatewayId=made["NatGateway"]["NatGatewayId"])

    def _route(self, **target: str) -> None:
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", **target)

    def endpoint(self, service: str, **how: Any) -> None:
        """Add an interface endpoint, or a gateway endpoint with ``RouteTableIds``."""
        kind = "Gateway" if "RouteTableIds" in how else "Interface"
        name = f"com.amazonaws.{REGION}.{service}"
        self.ec2.create_vpc_endpoint(VpcId=self.id, ServiceName=name, VpcEndpointType=kind, **how)

    def findings(self, public: str = "DISABLED") -> list[Finding]:
        """Return the doctor's findings."""
        config = FargateConfig(
            cluster="airflow",
            task_definition="worker",
            container_name="worker",
            subnets=self.subnets,
            region=REGION,
            assign_public_ip=public,
        )
        clients = {"ec2": Changed(self.ec2, self.changes), "ecs": Definition(self.container)}
        return list(network.subnets(Session(config, clients.__getitem__)))


class Definition:
    """ECS with one task definition."""

    def __init__(self, container: dict[str, Any]) -> None:
        self.container = container

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        """Return the definition, with a sidecar before our container."""
        sidecar = {"name": "sidecar", "secrets": [{"name": "X", "valueFrom": "arn:aws:ssm:::parameter/x"}]}
        ours = {"name": taskDefinition, **self.container}
        return {"taskDefinition": {"containerDefinitions": [sidecar, ours]}}


class Changed:
    """EC2 with endpoints that moto cannot make: not available, or without private DNS."""

    def __init__(self, ec2: Any, changes: dict[str, dict[str, Any]]) -> None:
        self._ec2 = ec2
        self._changes = changes

    def describe_vpc_endpoints(self, **arguments: Any) -> dict[str, Any]:
        """Return moto's endpoints with the changes by service."""
        found = self._ec2.describe_vpc_endpoints(**arguments)["VpcEndpoints"]
        changed = [
            each | self._changes.get(each["ServiceName"].partition(f"{REGION}.")[2], {}) for each in found
        ]
        return {"VpcEndpoints": changed}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ec2, name)


@pytest.fixture
def vpc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vpc]:
    """Return a VPC without a default route."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    with mock_aws():
        yield Vpc()


def test_a_nat_gateway_is_a_default_route(vpc: Vpc) -> None:
    """The gateway is named, and all checks pass."""
    vpc.nat_gateway()
    findings = vpc.findings()
    assert all(each.ok for each in findings)
    assert any(" nat-" in each.message for each in findings)


def test_an_internet_gateway_needs_public_addresses(vpc: Vpc) -> None:
    """Without public addresses, each subnet is named with the option to set."""
    vpc.internet_gateway()
    assert all(each.ok for each in vpc.findings("ENABLED"))
    failed = [each for each in vpc.findings("DISABLED") if each.ok is False]
    assert len(failed) == len(vpc.subnets)
    assert all("assign_public_ip = ENABLED" in each.message for each in failed)


def test_missing_endpoints_are_named(vpc: Vpc) -> None:
    """Without a default route, a subnet needs an endpoint for each service; existing ones are not named."""
    vpc.endpoint("ecr.api")
    failed = [each for each in vpc.findings() if each.ok is False]
    assert len(failed) == len(vpc.subnets)
    assert "no endpoint for ecr.dkr, logs, s3 (gateway)" in failed[0].message
    vpc.endpoint("ecr.dkr")
    vpc.endpoint("logs")
    vpc.endpoint("s3", RouteTableIds=[vpc.table])
    assert all(each.ok for each in vpc.findings())


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/key"


@pytest.mark.parametrize(
    ("container", "store"),
    [
        ({"secrets": [{"name": "DB", "valueFrom": SECRET}]}, "secretsmanager"),
        ({"secrets": [{"name": "KEY", "valueFrom": PARAMETER}]}, "ssm"),
        ({"secrets": [{"name": "KEY", "valueFrom": "key"}]}, "ssm"),
        ({"repositoryCredentials": {"credentialsParameter": SECRET}}, "secretsmanager"),
    ],
)
def test_a_container_with_secrets_needs_their_endpoints(
    vpc: Vpc, container: dict[str, Any], store: str
) -> None:
    """Without a default route, ECS fetches a secret through its store's endpoint."""
    vpc.container = container
    for service in network.NEEDED:
        vpc.endpoint(service)
    vpc.endpoint("s3", RouteTableIds=[vpc.table])
    failed = [each for each in vpc.findings() if each.ok is False]
    assert len(failed) == len(vpc.subnets)
    assert f"no endpoint for {store}:" in failed[0].message
    vpc.endpoint(store)
    assert all(each.ok for each in vpc.findings())


@pytest.mark.parametrize(
    ("change", "fact"),
    [({"State": "failed"}, "is failed"), ({"PrivateDnsEnabled": False}, "has no private DNS")],
)
def test_an_endpoint_that_does_not_work_is_named(vpc: Vpc, change: dict[str, Any], fact: str) -> None:
    """It failed, or its service still resolves to a public address."""
    for service in network.NEEDED:
        vpc.endpoint(service)
    vpc.endpoint("s3", RouteTableIds=[vpc.table])
    vpc.changes = {"logs": change}
    failed = [each.message for each in vpc.findings() if each.ok is False]
    assert len(failed) == len(vpc.subnets)
    assert all("logs (vpce-" in message and fact in message for message in failed)


def test_a_gateway_must_be_available(vpc: Vpc) -> None:
    """Image layers come through the gateway to S3."""
    for service in network.NEEDED:
        vpc.endpoint(service)
    vpc.endpoint("s3", RouteTableIds=[vpc.table])
    vpc.changes = {"s3": {"State": "deleting"}}
    assert [each.ok for each in vpc.findings()] == [True, False, False]


def test_a_gateway_must_be_in_the_subnets_route_table(vpc: Vpc) -> None:
    """The gateway to S3 serves only the subnets of its route tables."""
    for service in network.NEEDED:
        vpc.endpoint(service)
    other = vpc.ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    vpc.endpoint("s3", RouteTableIds=[other])
    assert [each.ok for each in vpc.findings()] == [True, False, False]


def test_a_subnet_without_a_table_uses_the_main_one(vpc: Vpc) -> None:
    """The VPC's main route table applies to a subnet without its own."""
    vpc.nat_gateway()
    vpc.subnets = (*vpc.subnets[:1], vpc.subnet(2))
    failed = [each for each in vpc.findings() if each.ok is False]
    assert [each.message.split()[0] for each in failed] == [vpc.subnets[1]]


@pytest.mark.parametrize(
    ("url", "ok", "fact"),
    [
        ("https://airflow.example.com/execution/", True, "https://airflow.example.com/execution/"),
        ("http://localhost:8080/execution/", False, "http://localhost:8080/execution/"),
        ("", None, "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"),
    ],
)
def test_the_api_servers_address_is_not_the_container(url: str, ok: bool | None, fact: str) -> None:  # noqa: FBT001
    """An address on localhost works everywhere except in a container."""
    environment = [{"name": network.API_SERVER, "value": url}] if url else []
    (finding,) = network.api_server({"environment": environment})
    assert finding.ok is ok
    assert fact in finding.message


@pytest.mark.parametrize(
    ("given", "ok"),
    [
        ({"secrets": [{"name": network.DATABASE, "valueFrom": "arn"}]}, True),
        ({"environment": [{"name": f"{network.DATABASE}_CMD", "value": "cat /run/database"}]}, True),
        ({"environment": [{"name": "OTHER", "value": "x"}]}, None),
    ],
)
def test_tasks_of_airflow_2_need_the_database(given: dict[str, Any], ok: bool | None) -> None:  # noqa: FBT001
    """The address may be a secret or an environment variable."""
    (finding,) = network.database(given)
    assert (finding.about, finding.ok) == ("database", ok)
    assert network.DATABASE in finding.message


def test_each_release_needs_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow 3 needs the API server's address, Airflow 2 the database's."""
    for takes_commands, about in ((False, "API server"), (True, "database")):
        monkeypatch.setattr(network, "TAKES_COMMANDS", takes_commands)
        assert [each.about for each in network.airflow({})] == [about]
