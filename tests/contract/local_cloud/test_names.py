"""Names: what Cloud Map registers is what DNS answers, with its time to live; other names are forwarded."""

from __future__ import annotations

import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any

import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from contract.local_cloud.worlds import NUMBERS, client, error_code
from local_cloud.names import dns_server
from local_cloud.names.dns_server import NameServer, nameservers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_cloud.cloud import LocalCloud

TASK = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


class Namespace:
    """A private DNS namespace of its own with one service, `api`, and a DNS server that knows it."""

    def __init__(
        self, cloud: LocalCloud, server: NameServer, *records: dict[str, Any], policy: str = "MULTIVALUE"
    ) -> None:
        self.server = server
        self.map = cloud.cloud_map
        self.api = client(cloud.endpoint, "servicediscovery")
        self.name = f"n{next(NUMBERS)}.Airflow.internal"
        vpc = client(cloud.endpoint, "ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        self.operation = self.api.create_private_dns_namespace(Name=self.name, Vpc=vpc)["OperationId"]
        self.id = self.api.get_operation(OperationId=self.operation)["Operation"]["Targets"]["NAMESPACE"]
        config = {"RoutingPolicy": policy, "DnsRecords": list(records) or [{"Type": "A", "TTL": 10}]}
        self.service = self.api.create_service(Name="api", NamespaceId=self.id, DnsConfig=config)["Service"]
        self.arn = self.service["Arn"]
        self.host = f"api.{self.name}"

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False) -> DNSRecord:
        """One question by UDP or TCP."""
        return ask(self.server, name, kind, tcp=tcp)

    def addresses(self) -> list[str]:
        """The addresses that the service's name leads to."""
        return sorted(str(answer.rdata) for answer in self.ask(self.host).rr)


@pytest.fixture(scope="module")
def server(simulated_cloud: LocalCloud) -> Iterator[NameServer]:
    """A DNS server with nobody to ask for other names."""
    made = NameServer([simulated_cloud.cloud_map], "127.0.0.1", upstream=[])
    made.start()
    yield made
    made.close()


@pytest.fixture
def namespace(simulated_cloud: LocalCloud, server: NameServer) -> Namespace:
    """A namespace without tasks."""
    return Namespace(simulated_cloud, server)


def ask(server: NameServer, name: str, kind: str = "A", *, tcp: bool = False) -> DNSRecord:
    """One question to a server."""
    port = server.tcp_port if tcp else server.udp_port
    return DNSRecord.parse(DNSRecord.question(name, kind).send("127.0.0.1", port, tcp=tcp, timeout=5))


def test_a_registered_task_is_listed_discovered_and_answered(namespace: Namespace) -> None:
    """ListInstances, DiscoverInstances and DNS, by UDP and TCP, say the same; the TTL is the service's."""
    namespace.map.register(namespace.arn, TASK, "10.0.0.7", 8080, {"ECS_SERVICE_NAME": "api"})
    listed = namespace.api.list_instances(ServiceId=namespace.service["Id"])["Instances"]
    found = namespace.api.discover_instances(NamespaceName=namespace.name, ServiceName="api")["Instances"]
    assert [item["Id"] for item in listed] == [item["InstanceId"] for item in found] == [TASK]
    assert found[0]["Attributes"]["AWS_INSTANCE_IPV4"] == "10.0.0.7"
    for tcp in (False, True):
        answer = namespace.ask(namespace.host.upper(), tcp=tcp).get_a()
        assert (str(answer.rdata), answer.ttl) == ("10.0.0.7", 10)


def test_a_service_may_name_its_namespace_in_its_dns_configuration(namespace: Namespace) -> None:
    """As Terraform does; the service is in that namespace all the same."""
    config = {"NamespaceId": namespace.id, "DnsRecords": [{"Type": "A", "TTL": 10}]}
    made = namespace.api.create_service(Name="other", DnsConfig=config)["Service"]
    namespace.map.register(made["Arn"], TASK, "10.0.0.9")
    assert made["NamespaceId"] == namespace.id
    assert str(namespace.ask(f"other.{namespace.name}").get_a().rdata) == "10.0.0.9"


def test_a_task_that_registers_again_moves(namespace: Namespace) -> None:
    """One instance for each task, with its last address."""
    namespace.map.register(namespace.arn, TASK, "10.0.0.7", 8080)
    namespace.map.register(namespace.arn, TASK, "10.0.0.8", 8080)
    assert namespace.addresses() == ["10.0.0.8"]


def test_a_task_that_is_deregistered_is_not_answered(namespace: Namespace) -> None:
    """The others stay; deregistering twice is harmless."""
    namespace.map.register(namespace.arn, TASK, "10.0.0.7")
    namespace.map.register(namespace.arn, OTHER, "10.0.0.8")
    namespace.map.deregister(namespace.arn, TASK)
    namespace.map.deregister(namespace.arn, TASK)
    assert namespace.addresses() == ["10.0.0.8"]


def test_unhealthy_tasks_are_left_out_unless_there_is_no_other(namespace: Namespace) -> None:
    """As Route 53: with no healthy instance it answers as if all were."""
    unhealthy = {"ServiceId": namespace.service["Id"], "Status": "UNHEALTHY"}
    namespace.map.register(namespace.arn, TASK, "10.0.0.7")
    namespace.map.register(namespace.arn, OTHER, "10.0.0.8")
    namespace.api.update_instance_custom_health_status(**unhealthy, InstanceId=TASK)
    assert namespace.addresses() == ["10.0.0.8"]
    namespace.api.update_instance_custom_health_status(**unhealthy, InstanceId=OTHER)
    assert namespace.addresses() == ["10.0.0.7", "10.0.0.8"]


def test_at_most_eight_addresses_are_answered_and_one_if_weighted(
    simulated_cloud: LocalCloud, server: NameServer
) -> None:
    """A multivalue record has up to eight values, a weighted one a single value."""
    for policy, expected in (("MULTIVALUE", 8), ("WEIGHTED", 1)):
        namespace = Namespace(simulated_cloud, server, policy=policy)
        for number in range(10):
            namespace.map.register(namespace.arn, f"{number:032x}", f"10.0.0.{number}")
        assert len(namespace.addresses()) == expected


def test_a_name_without_records_says_so_and_for_how_long(namespace: Namespace) -> None:
    """NXDOMAIN for no such name, an empty answer for no such type; both with a start of authority."""
    gone = namespace.ask(namespace.host)
    assert gone.header.rcode == RCODE.NXDOMAIN
    assert gone.auth[0].rtype == QTYPE.SOA
    namespace.map.register(namespace.arn, TASK, "10.0.0.7")
    other_type = namespace.ask(namespace.host, "AAAA")
    assert (other_type.header.rcode, other_type.rr) == (RCODE.NOERROR, [])
    assert other_type.auth[0].ttl == 15


def test_a_port_is_answered_as_srv(simulated_cloud: LocalCloud, server: NameServer) -> None:
    """An SRV record names the port and a host of the task's own, which has the address."""
    namespace = Namespace(simulated_cloud, server, {"Type": "SRV", "TTL": 20})
    namespace.map.register(namespace.arn, TASK, "10.0.0.7", 8793)
    answer = namespace.ask(namespace.host, "SRV").rr[0]
    assert (answer.rdata.port, answer.ttl) == (8793, 20)
    assert str(namespace.ask(str(answer.rdata.target)).get_a().rdata) == "10.0.0.7"


def test_what_is_in_use_cannot_be_deleted_and_a_namespace_takes_its_zone_along(
    simulated_cloud: LocalCloud, namespace: Namespace
) -> None:
    """ResourceInUse for a service with tasks and a namespace with services; no hosted zone stays behind."""
    api, service = namespace.api, namespace.service["Id"]
    zone = api.get_namespace(Id=namespace.id)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    namespace.map.register(namespace.arn, TASK, "10.0.0.7")
    assert error_code(api.delete_service, Id=service) == "ResourceInUse"
    namespace.map.deregister(namespace.arn, TASK)
    assert error_code(api.delete_namespace, Id=namespace.id) == "ResourceInUse"
    api.delete_service(Id=service)
    api.delete_namespace(Id=namespace.id)
    zones = client(simulated_cloud.endpoint, "route53").list_hosted_zones()["HostedZones"]
    assert zone not in {item["Id"].rpartition("/")[2] for item in zones}


def test_a_vpc_may_have_several_namespaces_but_not_of_one_name(
    simulated_cloud: LocalCloud, namespace: Namespace
) -> None:
    """The second of the same name is in conflict; the fixture has made others in the same VPC."""
    vpc = client(simulated_cloud.endpoint, "ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    call = namespace.api.create_private_dns_namespace
    assert error_code(call, Name=namespace.name, Vpc=vpc) == "ConflictingDomainExists"


class _Elsewhere(socketserver.BaseRequestHandler):
    """A name server that answers any question with 192.0.2.9."""

    def handle(self) -> None:
        data, connection = self.request
        reply = DNSRecord.parse(data).replyZone("other.example. 30 A 192.0.2.9")
        connection.sendto(reply.pack(), self.client_address)


def test_other_names_are_forwarded_and_fail_at_once_without_anybody_to_ask(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next name server is asked where one is silent; none at all is SERVFAIL, without waiting."""
    monkeypatch.setattr(dns_server, "FORWARD_TIMEOUT", 0.05)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed,
        socketserver.UDPServer(("127.0.0.1", 0), _Elsewhere) as there,
    ):
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()
        closed.close()
        threading.Thread(target=there.serve_forever, daemon=True).start()
        server = NameServer([namespace.map], "127.0.0.1", upstream=[nobody, there.server_address])
        server.start()
        for tcp in (False, True):
            assert str(ask(server, "other.example", tcp=tcp).get_a().rdata) == "192.0.2.9"
        server.close()
        there.shutdown()
    assert namespace.ask("other.example").header.rcode == RCODE.SERVFAIL


def test_the_machines_name_servers_are_read_in_order(tmp_path: Path) -> None:
    """From resolv.conf; a machine without one has none."""
    file = tmp_path / "resolv.conf"
    file.write_text("search x\n# nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3 # b\n")
    assert nameservers(file) == [("192.0.2.2", 53), ("192.0.2.3", 53)]
    assert nameservers(tmp_path / "none") == []
