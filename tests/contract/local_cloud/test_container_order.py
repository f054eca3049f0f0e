"""Init containers, dependencies and health checks of a task's real containers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from contract.local_cloud.service import CHECK, FOREVER, Service

if TYPE_CHECKING:
    from contract.local_cloud.worlds import ContainerWorld

pytestmark = pytest.mark.engine

SHARED: dict[str, Any] = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/opt/plain"}]}
VOLUMES = [{"name": "shared"}]


def run(world: ContainerWorld, *containers: dict[str, Any]) -> str:
    """Run a task of containers that share a volume; returns its ARN."""
    family = world.define(*({**SHARED, **item} for item in containers), volumes=VOLUMES)
    return str(world.ecs.run_task(**world.request(family))["tasks"][0]["taskArn"])


def first(world: ContainerWorld, script: str, **more: Any) -> dict[str, Any]:
    """A container that others wait for."""
    return {"name": "first", "essential": False, **world.scripted(script), **more}


def after(world: ContainerWorld, condition: str, script: str) -> dict[str, Any]:
    """The essential container, which waits for the first."""
    return {**world.scripted(script), "dependsOn": [{"containerName": "first", "condition": condition}]}


def codes(task: dict[str, Any]) -> dict[str, int | None]:
    """Exit codes by container."""
    return {item["name"]: item.get("exitCode") for item in task["containers"]}


@pytest.mark.parametrize(
    ("condition", "script", "more", "seen"),
    [
        ("START", FOREVER, {}, "[[ ! -e /opt/plain/x ]]"),
        ("COMPLETE", "touch /opt/plain/x; exit 9", {}, "[[ -e /opt/plain/x ]]"),
        ("SUCCESS", "sleep 0.3; touch /opt/plain/x", {}, "[[ -e /opt/plain/x ]]"),
        (
            "HEALTHY",
            f"sleep 0.5; touch /tmp/up /opt/plain/x; {FOREVER}",
            {"healthCheck": {**CHECK, "retries": 9}},
            "[[ -e /opt/plain/x ]]",
        ),
    ],
)
def test_a_container_starts_when_the_one_before_it_is_so_far(
    containers: ContainerWorld, condition: str, script: str, more: dict[str, Any], seen: str
) -> None:
    """Each condition of dependsOn; the shared volume tells how far the first one was."""
    arn = run(
        containers, after(containers, condition, f"{seen} && exit 5"), first(containers, script, **more)
    )
    assert codes(containers.ended(arn))["worker"] == 5


def test_a_failed_init_container_fails_the_start(containers: ContainerWorld) -> None:
    """The main container never starts; the init container's exit code is shown."""
    arn = run(containers, after(containers, "SUCCESS", FOREVER), first(containers, "exit 3"))
    task = containers.ended(arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == "Container first must exit with 0 and exited with 3"
    assert codes(task) == {"worker": None, "first": 3}
    assert "startedAt" not in task


def test_an_init_container_that_takes_longer_than_its_start_timeout_fails_the_start(
    containers: ContainerWorld,
) -> None:
    """`startTimeout` belongs to the container that others wait for."""
    arn = run(containers, after(containers, "SUCCESS", FOREVER), first(containers, FOREVER, startTimeout=2))
    task = containers.ended(arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == (
        "Container first did not reach SUCCESS within its startTimeout of 2 seconds"
    )


def test_an_essential_container_that_ends_while_others_wait_ends_the_task(
    containers: ContainerWorld,
) -> None:
    """The sidecar is essential and dies; the init container would have run for ever."""
    sidecar = {"name": "sidecar", **containers.scripted("exit 4")}
    waiting = {**after(containers, "SUCCESS", FOREVER)}
    task = containers.ended(run(containers, sidecar, first(containers, FOREVER), waiting))
    assert task["stopCode"] == "EssentialContainerExited"
    assert codes(task)["sidecar"] == 4


def test_a_finished_init_container_is_stopped_while_the_task_runs(containers: ContainerWorld) -> None:
    """DescribeTasks shows its exit code; the other container is RUNNING."""
    arn = run(containers, after(containers, "SUCCESS", FOREVER), first(containers, "exit 0"))
    task = containers.until(arn, "RUNNING")
    assert {item["name"]: item["lastStatus"] for item in task["containers"]} == {
        "worker": "RUNNING",
        "first": "STOPPED",
    }
    containers.ecs.stop_task(cluster=containers.cluster, task=arn)
    containers.ended(arn)


def test_a_start_period_forgives_failures(containers: ContainerWorld) -> None:
    """One failure makes a container UNHEALTHY, but not within its startPeriod."""
    script = f"sleep 7; touch /tmp/up; {FOREVER}"
    started = {}
    for name, check in (("forgiven", {"startPeriod": 30}), ("strict", {})):
        family = containers.define({**containers.scripted(script), "healthCheck": {**CHECK, **check}})
        answer = containers.ecs.run_task(**containers.request(family))
        started[name] = answer["tasks"][0]["taskArn"]
    seen: dict[str, list[str]] = {name: [] for name in started}

    def both_healthy() -> bool:
        for name, arn in started.items():
            seen[name].append(containers.describe(arn)["healthStatus"])
        return all(found[-1] == "HEALTHY" for found in seen.values())

    containers.wait_for(both_healthy, "not healthy")
    assert [status for status, _ in itertools.groupby(seen["forgiven"])] == ["UNKNOWN", "HEALTHY"]
    assert [status for status, _ in itertools.groupby(seen["strict"])] == ["UNKNOWN", "UNHEALTHY", "HEALTHY"]
    for arn in started.values():
        containers.ecs.stop_task(cluster=containers.cluster, task=arn)
        containers.ended(arn)


def test_a_check_that_takes_longer_than_its_timeout_has_failed(containers: ContainerWorld) -> None:
    """`timeout` ends the check's process."""
    check = {"command": ["CMD", "sleep", "60"], "interval": 5, "timeout": 2, "retries": 1}
    family = containers.define({**containers.scripted(FOREVER), "healthCheck": check})
    arn = containers.ecs.run_task(**containers.request(family))["tasks"][0]["taskArn"]
    containers.wait_for(lambda: containers.describe(arn)["healthStatus"] == "UNHEALTHY", "never unhealthy")
    # Outside a service nobody stops it.
    assert containers.describe(arn)["desiredStatus"] == "RUNNING"
    containers.ecs.stop_task(cluster=containers.cluster, task=arn)
    containers.ended(arn)


def test_a_running_task_shows_the_address_of_its_containers(containers: ContainerWorld) -> None:
    """One container or several: the interface's private address is the one that others reach."""
    address = "while read -r a b; do [[ $b == $HOSTNAME ]] && echo $a; done < /etc/hosts"
    for others in ((), (first(containers, FOREVER),)):
        arn = run(containers, containers.scripted(f"{address}; {FOREVER}"), *others)
        details = containers.until(arn, "RUNNING")["attachments"][0]["details"]
        shown = next(item["value"] for item in details if item["name"] == "privateIPv4Address")
        containers.saw(arn, shown)
        containers.ecs.stop_task(cluster=containers.cluster, task=arn)
        containers.ended(arn)


def test_cloud_map_has_the_address_of_a_services_task(containers: ContainerWorld) -> None:
    """Registered when the task is up, with the address of its container; gone when the service is."""
    discovery, ec2 = containers.client("servicediscovery"), containers.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    name = f"n{containers.number}.internal"
    operation = discovery.create_private_dns_namespace(Name=name, Vpc=vpc)["OperationId"]
    targets = discovery.get_operation(OperationId=operation)["Operation"]["Targets"]
    records = [{"Type": "A", "TTL": 10}]
    registry = discovery.create_service(
        Name="api", NamespaceId=targets["NAMESPACE"], DnsConfig={"DnsRecords": records}
    )["Service"]
    family = containers.define(containers.scripted(FOREVER))
    service = Service(containers, family, serviceRegistries=[{"registryArn": registry["Arn"]}])
    service.steady()
    (task,) = service.tasks()

    (instance,) = discovery.list_instances(ServiceId=registry["Id"])["Instances"]

    assert instance["Id"] == task["taskArn"].rsplit("/", 1)[-1]
    assert instance["Attributes"]["AWS_INSTANCE_IPV4"] == task["attachments"][0]["details"][3]["value"]
    service.delete()
    assert discovery.list_instances(ServiceId=registry["Id"])["Instances"] == []
