"""Can a container reach the registry, CloudWatch, S3 and Airflow's API server?

The checks read the subnets' route tables and the VPC's endpoints. They do not see firewalls behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_fargate.airflow_versions import TAKES_COMMANDS
from airflow_fargate.cli.findings import Finding, failed, inconclusive, is_denied, passed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_fargate.cli.session import Session

NEEDED = ("ecr.api", "ecr.dkr", "logs")
"""Endpoints that a subnet without internet access needs, plus a gateway to S3, where ECR keeps layers."""
SECRETS = {":secretsmanager:": "secretsmanager", ":ssm:": "ssm"}
"""Part of a secret's ARN -> the endpoint through which ECS fetches the secret."""
API_SERVER = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104  compared, not bound


def subnets(session: Session) -> Iterator[Finding]:
    """The subnets exist, in more than one zone, with a route to the services that containers need."""
    ec2, config = session.clients("ec2"), session.config
    found = ec2.describe_subnets(SubnetIds=list(config.subnets))["Subnets"]
    zones = sorted({each["AvailabilityZone"] for each in found})
    if len(zones) > 1:
        yield passed("subnets", f"{len(found)} in {', '.join(zones)}.")
    else:
        yield inconclusive(
            "subnets",
            f"All in {', '.join(zones)}: if this zone has no capacity, no task starts. Add subnets in other "
            "zones.",
        )
    yield from _ways(session, found, public=config.assign_public_ip == "ENABLED")


def airflow(container: Mapping[str, Any]) -> Iterator[Finding]:
    """The container has the address of Airflow: of the API server, or of the database for Airflow 2."""
    yield from database(container) if TAKES_COMMANDS else api_server(container)


def database(container: Mapping[str, Any]) -> Iterator[Finding]:
    """The container has the address of the metadata database, which tasks of Airflow 2 open."""
    named = {each["name"] for kind in ("environment", "secrets") for each in container.get(kind) or ()}
    if named & {DATABASE, f"{DATABASE}_CMD", f"{DATABASE}_SECRET"}:
        yield passed("database", f"The container has {DATABASE}.")
    else:
        yield inconclusive(
            "database",
            f"The task definition does not set {DATABASE}, which Airflow 2 tasks need. Set it "
            "(worker_secrets in Terraform), or in the image.",
        )


def api_server(container: Mapping[str, Any]) -> Iterator[Finding]:
    """The container has the address of the API server, and not its own."""
    about = "API server"
    values = {each["name"]: each["value"] for each in container.get("environment") or ()}
    url = values.get(API_SERVER, "")
    if not url:
        yield inconclusive(
            about,
            f"The task definition does not set {API_SERVER}, which Airflow 3 tasks need. Set it there "
            "(execution_api_server_url in Terraform) or in the image.",
        )
        return
    host = urlsplit(url).hostname or ""
    if host in _HERE:
        yield failed(
            about,
            f"{API_SERVER} must be an address that containers can reach, got {url}, which is the container "
            "itself. Correct it (execution_api_server_url in Terraform).",
        )
    else:
        yield passed(about, f"Containers connect to {url}.")


def needed(container: Mapping[str, Any]) -> list[str]:
    """Return the endpoints that a container needs to start in a subnet without internet access.

    A secret without an ARN is an SSM parameter of the task's region.
    """
    sources = [each["valueFrom"] for each in container.get("secrets") or ()]
    sources += filter(None, [(container.get("repositoryCredentials") or {}).get("credentialsParameter")])
    stores = {next((store for part, store in SECRETS.items() if part in source), "ssm") for source in sources}
    return [*NEEDED, *sorted(stores)]


def _container(session: Session) -> dict[str, Any]:
    """Return our container of the task definition; empty if there is none, which another check reports."""
    config = session.config
    try:
        answer = session.clients("ecs").describe_task_definition(taskDefinition=config.task_definition)
    except Exception as error:
        if is_denied(error):
            raise
        return {}
    containers = answer["taskDefinition"]["containerDefinitions"]
    return next((dict(each) for each in containers if each["name"] == config.container_name), {})


def _ways(session: Session, found: Sequence[Mapping[str, Any]], *, public: bool) -> Iterator[Finding]:
    ec2 = session.clients("ec2")
    about = "network path"
    vpcs = sorted({each["VpcId"] for each in found})
    in_vpcs: list[Any] = [{"Name": "vpc-id", "Values": vpcs}]
    tables = ec2.describe_route_tables(Filters=in_vpcs)["RouteTables"]
    closed, ways = [], set()
    for subnet in found:
        table = _table_of(subnet, tables)
        way = _default_route(table)
        if way.startswith("igw-") and not public:
            yield failed(
                about,
                f"{subnet['SubnetId']} routes to an internet gateway, and containers have no public address. "
                "Set [fargate] assign_public_ip = ENABLED, or use subnets with a NAT gateway.",
            )
        elif way:
            ways.add(way)
        else:
            closed.append((subnet, table))
    if ways:
        yield passed(about, f"The default route goes to {', '.join(sorted(ways))}.")
    if closed:
        endpoints = ec2.describe_vpc_endpoints(Filters=in_vpcs)["VpcEndpoints"]
        yield from _through_endpoints(closed, endpoints, needed(_container(session)))


def _through_endpoints(
    closed: list[Any], endpoints: Sequence[Mapping[str, Any]], services: list[str]
) -> Iterator[Finding]:
    """A subnet without internet access has an endpoint for each service that a container needs to start."""
    about = "network path"
    for subnet, table in closed:
        here = [each for each in endpoints if each["VpcId"] == subnet["VpcId"]]
        faults = {_service(each): _fault(each) for each in here if _is_interface(each)}
        # If a service has two endpoints, one that works is enough.
        faults |= {_service(each): "" for each in here if _is_interface(each) and not _fault(each)}
        missing = [name for name in services if name not in faults]
        if not any(_is_gateway_of(each, table) for each in here):
            missing.append("s3 (gateway)")
        broken = [f"{name} {faults[name]}" for name in services if faults.get(name)]
        if missing:
            yield failed(
                about,
                f"{subnet['SubnetId']} has no default route and no endpoint for {', '.join(missing)}: "
                "containers cannot pull the image, fetch secrets or write logs. Add a NAT gateway, or these "
                "endpoints.",
            )
        if broken:
            yield failed(
                about,
                f"{subnet['SubnetId']} has no default route, and these endpoints do not serve it: "
                f"{', '.join(broken)}. Enable private DNS, and create failed endpoints again.",
            )
        if not missing and not broken:
            yield passed(
                about, f"{subnet['SubnetId']} has no default route, and the endpoints that containers need."
            )


def _is_interface(endpoint: Mapping[str, Any]) -> bool:
    return endpoint.get("VpcEndpointType") == "Interface"


def _fault(endpoint: Mapping[str, Any]) -> str:
    """Return why containers cannot use an interface endpoint; empty if they can."""
    if endpoint.get("State", "").lower() != "available":
        return f"({endpoint['VpcEndpointId']} is {endpoint.get('State') or 'in an unknown state'})"
    # ECS and the SDKs use the public names of the services.
    return "" if endpoint.get("PrivateDnsEnabled") else f"({endpoint['VpcEndpointId']} has no private DNS)"


def _table_of(subnet: Mapping[str, Any], tables: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the subnet's route table: its own, else the VPC's main one."""
    main: Mapping[str, Any] = {}
    for table in tables:
        for each in table.get("Associations") or ():
            if each.get("SubnetId") == subnet["SubnetId"]:
                return table
            if each.get("Main") and table.get("VpcId") == subnet["VpcId"]:
                main = table
    return main


def _default_route(table: Mapping[str, Any]) -> str:
    """Return the target of the default route; empty if there is none."""
    targets = (
        "NatGatewayId",
        "TransitGatewayId",
        "GatewayId",
        "NetworkInterfaceId",
        "VpcPeeringConnectionId",
    )
    for route in table.get("Routes") or ():
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State") != "blackhole":
            return next((str(route[name]) for name in targets if route.get(name)), "")
    return ""


def _service(endpoint: Mapping[str, Any]) -> str:
    """Return ``ecr.api`` for ``com.amazonaws.eu-west-1.ecr.api``; the same for China's ``cn.com...``."""
    return str(endpoint["ServiceName"]).partition("com.amazonaws.")[2].partition(".")[2]


def _is_gateway_of(endpoint: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    return (
        endpoint.get("VpcEndpointType") == "Gateway"
        and endpoint.get("State", "").lower() == "available"
        and _service(endpoint) == "s3"
        and table.get("RouteTableId") in (endpoint.get("RouteTableIds") or ())
    )
