"""What a container finds when it asks for a name: other containers, databases, and the rest of the world."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from contract.local_cloud.test_moto_gaps import create
from contract.local_cloud.worlds import DEADLINE, NUMBERS, POLL, ContainerWorld
from local_cloud.containers.docker_host import LABEL

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

pytestmark = pytest.mark.engine

LISTEN = (
    "perl -MSocket -e 'socket S,PF_INET,SOCK_STREAM,6; bind S,sockaddr_in(8080,INADDR_ANY); listen S,9; "
    'print STDOUT "ready\n"; close STDOUT; while(accept C,S){syswrite C,"hello\n"; close C}\''
)
ASK = "exec 3<>/dev/tcp/$HOST/8080 && read -r line <&3 && echo $line; getent hosts $HOST || echo none"
# The bundle, as a user would take it with curl.
BUNDLE = """
[[ $AWS_ENDPOINT_URL =~ http://([^/:]+):([0-9]+) ]]
exec 3<>/dev/tcp/${BASH_REMATCH[1]}/${BASH_REMATCH[2]}
printf 'GET /_local/rds-ca.pem HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' >&3
while read -r line <&3; do [[ $line == -----BEGIN* ]] && on=1; [[ $on ]] && echo "$line"; done > /tmp/ca.pem
"""


@pytest.fixture
def talking(container_cloud: LocalCloud, talking_image: str) -> ContainerWorld:
    """The world of real containers that can listen, resolve and ask a database."""
    return ContainerWorld(container_cloud, talking_image)


def address_of(world: ContainerWorld, arn: str) -> str:
    """A task's address in the engine's network."""
    docker = world.cloud.engine.host.api  # type: ignore[attr-defined]
    for container in docker.containers(filters={"label": f"{LABEL}.task={arn}"}):
        return str(container["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])
    raise AssertionError(f"no container of {arn}")


def with_host(host: str, **more: str) -> dict[str, Any]:
    """A container's environment."""
    return {"environment": [{"name": name, "value": value} for name, value in {"HOST": host, **more}.items()]}


def test_a_container_reaches_another_by_its_cloud_map_name(talking: ContainerWorld) -> None:
    """As soon as it is registered, and no longer than that; an unknown name fails at once."""
    map_api, name = talking.client("servicediscovery"), f"n{next(NUMBERS)}.internal"
    vpc = talking.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    operation = map_api.create_private_dns_namespace(Name=name, Vpc=vpc)["OperationId"]
    namespace = map_api.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    config = {"DnsRecords": [{"Type": "A", "TTL": 10}]}
    registry = map_api.create_service(Name="api", NamespaceId=namespace, DnsConfig=config)["Service"]["Arn"]
    listener = talking.start(LISTEN)
    talking.saw(listener, "ready")
    address, task_id = address_of(talking, listener), listener.rpartition("/")[2]
    talking.cloud.cloud_map.register(registry, task_id, address, 8080)
    host = with_host(f"api.{name}")
    reached = talking.said(ASK, container=host)
    talking.cloud.cloud_map.deregister(registry, task_id)
    gone = talking.said("SECONDS=0; getent hosts $HOST || echo none $((SECONDS < 3))", container=host)
    talking.ecs.stop_task(cluster=talking.cluster, task=listener)
    assert [line.split() for line in reached] == [["hello"], [address, f"api.{name}"]]
    assert gone == ["none 1"]


def test_containers_of_one_task_share_the_name_server(talking: ContainerWorld) -> None:
    """With several containers the network's owner has it; each of them resolves names."""
    script = {**talking.scripted("cat /etc/resolv.conf"), "name": "other"}
    family = talking.define({**talking.scripted("cat /etc/resolv.conf"), "essential": False}, script)
    arn = talking.ecs.run_task(**talking.request(family))["tasks"][0]["taskArn"]
    talking.ended(arn)
    for container in ("worker", "other"):
        lines = talking.lines(arn, container)
        assert [line for line in lines if line.startswith("nameserver")] == ["nameserver 169.254.169.253"]


def test_a_container_reaches_a_database_by_name_and_checks_its_certificate(talking: ContainerWorld) -> None:
    """With the CA bundle that the cloud serves; each database of the account has an address of its own."""
    rds = talking.client("rds")
    names = [create(rds, DBName="airflow")["DBInstanceIdentifier"] for _ in range(2)]
    deadline = time.monotonic() + DEADLINE
    for name in names:
        chosen = {"DBInstanceIdentifier": name}
        while (found := rds.describe_db_instances(**chosen)["DBInstances"][0])[
            "DBInstanceStatus"
        ] != "available":
            assert time.monotonic() < deadline
            time.sleep(POLL)
        secret = talking.client("secretsmanager").get_secret_value(
            SecretId=found["MasterUserSecret"]["SecretArn"]
        )
        settings = {
            "PGPASSWORD": json.loads(secret["SecretString"])["password"],
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/tmp/ca.pem",  # noqa: S108  in the container
        }
        query = "select ssl, (select rolsuper from pg_roles where rolname = current_user) from pg_stat_ssl"
        script = BUNDLE + f'psql -At -h $HOST -U airflow airflow -c "{query} where pid = pg_backend_pid()"'
        container = with_host(found["Endpoint"]["Address"], **settings)
        assert talking.said(script, container=container) == ["t|f"]
    addresses = {item["address"] for item in talking.cloud.databases.page() if item["id"] in names}  # type: ignore[union-attr]
    assert len(addresses) == len(names)
    for name in names:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
