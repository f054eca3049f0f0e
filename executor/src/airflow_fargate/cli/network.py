"""Can a container get where it has to: the registry, CloudWatch, S3, Airflow's API server?

From the subnets' route tables and the VPC's endpoints: what AWS knows. Firewalls beyond are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_fargate.airflow_versions import TAKES_COMMANDS
from airflow_fargate.cli.findings import Finding, failed, is_denied, ok, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_fargate.cli.session import Session

NEEDED = ("ecr.api", "ecr.dkr", "logs")
"""Endpoints that a subnet without a way out needs, besides a gateway to S3, where ECR keeps layers."""
SECRETS = {":secretsmanager:": "secretsmanager", ":ssm:": "ssm"}
"""What an ARN of a container's secret contains -> the endpoint through which ECS fetches it."""
API_SERVER = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104  compared, not bound


def subnets(session: Session) -> Iterator[Finding]:
    """The subnets are there, in more than one zone, and lead somewhere."""
    ec2, config = session.clients("ec2"), session.config
    try:
        found = ec2.describe_subnets(SubnetIds=list(config.subnets))["Subnets"]
    except Exception as error:
        if "NotFound" not in str(error):
            raise
        yield failed("subnets", f"{error}. Correct [fargate] subnets.")
        return
    zones = sorted({each["AvailabilityZone"] for each in found})
    if len(zones) > 1:
        yield ok("subnets", f"{len(found)} in {', '.join(zones)}.")
    else:
        yield unknown(
            "subnets", f"All in {', '.join(zones)}: that zone's lack of capacity stops every launch."
        )
    yield from _ways(session, found, public=config.assign_public_ip == "ENABLED")


def airflow(container: Mapping[str, Any]) -> Iterator[Finding]:
    """The container is told where Airflow is: the API server, and the database where there is none yet."""
    yield from database(container) if TAKES_COMMANDS else api_server(container)


def database(container: Mapping[str, Any]) -> Iterator[Finding]:
    """The container is given the way to the metadata database, which tasks of Airflow 2 open."""
    named = {each["name"] for kind in ("environment", "secrets") for each in container.get(kind) or ()}
    if named & {DATABASE, f"{DATABASE}_CMD", f"{DATABASE}_SECRET"}:
        yield ok("database", f"The container is given {DATABASE}.")
    else:
        yield unknown(
            "database",
            f"The container is not given {DATABASE}: Airflow 2 tasks need it (worker_secrets in Terraform).",
        )


def api_server(container: Mapping[str, Any]) -> Iterator[Finding]:
    """The container is told an address of the API server that is not its own."""
    about = "API server"
    values = {each["name"]: each["value"] for each in container.get("environment") or ()}
    url = values.get(API_SERVER, "")
    if not url:
        yield unknown(about, f"The container is not given {API_SERVER}: Airflow 3 tasks need it.")
        return
    host = urlsplit(url).hostname or ""
    if host in _HERE:
        yield failed(
            about,
            f"{url} is the container itself: set the address under which it reaches the API server "
            "(execution_api_server_url in Terraform).",
        )
    else:
        yield ok(about, f"Containers are to reach it at {url}.")


def needed(container: Mapping[str, Any]) -> list[str]:
    """Return the endpoints that a container needs before its first line of code, if there is no way out.

    A secret that is named without an ARN is an SSM parameter of the task's region.
    """
    sources = [each["valueFrom"] for each in container.get("secrets") or ()]
    sources += filter(None, [(container.get("repositoryCredentials") or {}).get("credentialsParameter")])
    stores = {next((store for part, store in SECRETS.items() if part in source), "ssm") for source in sources}
    return [*NEEDED, *sorted(stores)]


def _container(session: Session) -> dict[str, Any]:
    """Return our container of the task definition; nothing where there is none: another check says so."""
    config = session.config
    try:
        answer = session.clients("ecs").describe_task_definition(taskDefinition=config.task_definition)
    except Exception as error:
        if is_denied(error):
            raise
        return {}
    containers = answer["taskDefinition"]["containerDefinitions"]
    return next((dict(each) for each in containers if each["name"] == config.container_name), {})


def _ways(session: Session, found: list[dict[str, Any]], *, public: bool) -> Iterator[Finding]:
    ec2 = session.clients("ec2")
    about = "network path"
    vpcs = sorted({each["VpcId"] for each in found})
    in_vpcs = [{"Name": "vpc-id", "Values": vpcs}]
    tables = ec2.describe_route_tables(Filters=in_vpcs)["RouteTables"]
    closed, ways = [], set()
    for subnet in found:
        table = _table_of(subnet, tables)
        way = _default_route(table)
        if way.startswith("igw-") and not public:
            yield failed(
                about,
                f"{subnet['SubnetId']} leads to an internet gateway, and containers get no public address: "
                "set [fargate] assign_public_ip = ENABLED, or take subnets behind a NAT gateway.",
            )
        elif way:
            ways.add(way)
        else:
            closed.append((subnet, table))
    if ways:
        yield ok(about, f"The way out is {', '.join(sorted(ways))}.")
    if closed:
        endpoints = ec2.describe_vpc_endpoints(Filters=in_vpcs)["VpcEndpoints"]
        yield from _through_endpoints(closed, endpoints, needed(_container(session)))


def _through_endpoints(
    closed: list[Any], endpoints: list[dict[str, Any]], services: list[str]
) -> Iterator[Finding]:
    """A subnet without a way out needs an endpoint for each service that a container begins with."""
    about = "network path"
    for subnet, table in closed:
        here = [each for each in endpoints if each["VpcId"] == subnet["VpcId"]]
        faults = {_service(each): _fault(each) for each in here if _is_interface(each)}
        # Of two endpoints for one service, one that works is enough.
        faults |= {_service(each): "" for each in here if _is_interface(each) and not _fault(each)}
        missing = [name for name in services if name not in faults]
        if not any(_is_gateway_of(each, table) for each in here):
            missing.append("s3 (gateway)")
        broken = [f"{name} {faults[name]}" for name in services if faults.get(name)]
        if missing:
            yield failed(
                about,
                f"{subnet['SubnetId']} has no way out and no endpoint for {', '.join(missing)}: containers "
                "cannot pull the image, fetch secrets or write logs. Add a NAT gateway, or these endpoints.",
            )
        if broken:
            yield failed(
                about,
                f"{subnet['SubnetId']} has no way out, and these endpoints do not serve it: "
                f"{', '.join(broken)}. Enable private DNS, and create failed endpoints again.",
            )
        if not missing and not broken:
            yield ok(about, f"{subnet['SubnetId']} has no way out, and the endpoints that containers need.")


def _is_interface(endpoint: Mapping[str, Any]) -> bool:
    return endpoint.get("VpcEndpointType") == "Interface"


def _fault(endpoint: Mapping[str, Any]) -> str:
    """Return why containers cannot use an interface endpoint; empty if they can."""
    if endpoint.get("State", "").lower() != "available":
        return f"({endpoint['VpcEndpointId']} is {endpoint.get('State') or 'in no state'})"
    # ECS and the SDKs call the services' public names.
    return "" if endpoint.get("PrivateDnsEnabled") else f"({endpoint['VpcEndpointId']} has no private DNS)"


def _table_of(subnet: dict[str, Any], tables: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the subnet's route table: its own, else the VPC's main one."""
    main: dict[str, Any] = {}
    for table in tables:
        for each in table.get("Associations") or ():
            if each.get("SubnetId") == subnet["SubnetId"]:
                return table
            if each.get("Main") and table.get("VpcId") == subnet["VpcId"]:
                main = table
    return main


def _default_route(table: Mapping[str, Any]) -> str:
    """Return what traffic to anywhere goes through; empty when it goes nowhere."""
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
    """Return ``ecr.api`` for ``com.amazonaws.eu-west-1.ecr.api``, and for China's ``cn.com.amazonaws...``."""
    return str(endpoint["ServiceName"]).partition("com.amazonaws.")[2].partition(".")[2]


def _is_gateway_of(endpoint: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    return (
        endpoint.get("VpcEndpointType") == "Gateway"
        and endpoint.get("State", "").lower() == "available"
        and _service(endpoint) == "s3"
        and table.get("RouteTableId") in (endpoint.get("RouteTableIds") or ())
    )
