"""What ECS answers about services: refusals, updates, pages, events, registration."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from contract.local_cloud.service import CIRCUIT_BREAKER, STEADY, Service
from contract.local_cloud.worlds import error_code
from local_cloud import Behaviour, Fault, fails_to_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contract.local_cloud.worlds import SimulatedWorld

ROLLING_BACK = {"deploymentCircuitBreaker": CIRCUIT_BREAKER}


def serve(world: SimulatedWorld, **given: Any) -> Service:
    """Make a service of a plain definition."""
    world.behave(STEADY)
    return Service(world, world.define(), **given)


def refused(world: SimulatedWorld, **given: Any) -> tuple[str, str]:
    """Code and message of the error that CreateService answers."""
    with pytest.raises(ClientError) as raised:
        serve(world, **given)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_what_run_task_rejects_create_service_rejects(simulated: SimulatedWorld) -> None:
    """Launch types, strategies, definitions and networks are checked when the service is made."""
    strategy = [{"capacityProvider": "nobody", "weight": 1}]
    assert refused(simulated, capacityProviderStrategy=strategy)[0] == "InvalidParameterException"
    assert refused(simulated, platformVersion="9.9.9")[0] == "PlatformUnknownException"
    with pytest.raises(ClientError, match="TaskDefinition not found"):
        Service(simulated, "nobody")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"desiredCount": 5001}, "desiredCount must be 0 to 5000, got 5001."),
        ({"schedulingStrategy": "DAEMON"}, "DAEMON"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "ECS only"),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ),
        ({"deploymentConfiguration": {"maximumPercent": 50}}, "100 and 50"),
        ({"serviceRegistries": [{"registryArn": "arn", "containerName": "x"}]}, "The container x"),
    ],
)
def test_a_service_that_cannot_be_is_rejected(
    simulated: SimulatedWorld, given: dict[str, Any], words: str
) -> None:
    """InvalidParameterException, with the value in the message."""
    code, message = refused(simulated, **given)
    assert code == "InvalidParameterException"
    assert words in message


def test_a_name_is_taken_until_the_service_is_inactive(simulated: SimulatedWorld) -> None:
    """A second CreateService fails, also while the first drains; afterwards the name is free."""
    service = serve(simulated)
    service.steady()
    again: dict[str, Any] = {
        "cluster": simulated.cluster,
        "serviceName": service.name,
        "taskDefinition": simulated.define(),
    }
    again |= {"desiredCount": 0, "launchType": "FARGATE"}
    again["networkConfiguration"] = {"awsvpcConfiguration": {"subnets": [simulated.subnet]}}
    create = simulated.ecs.create_service

    with pytest.raises(ClientError, match="not idempotent"):
        create(**again)
    with pytest.raises(ClientError, match="scaled above 0"):
        simulated.ecs.delete_service(cluster=simulated.cluster, service=service.name)
    service.update(desiredCount=0)
    simulated.ecs.delete_service(cluster=simulated.cluster, service=service.name)
    with pytest.raises(ClientError, match="still Draining"):
        create(**again)
    service.until(lambda found: found["status"] == "INACTIVE", "not INACTIVE")

    assert create(**again)["service"]["status"] == "ACTIVE"


def test_a_missing_service_is_said_to_be_missing(simulated: SimulatedWorld) -> None:
    """ServiceNotFoundException for changes; ClusterNotFoundException for another cluster."""
    ecs, cluster = simulated.ecs, simulated.cluster
    assert error_code(ecs.update_service, cluster=cluster, service="x") == "ServiceNotFoundException"
    assert error_code(ecs.delete_service, cluster=cluster, service="x") == "ServiceNotFoundException"
    assert error_code(ecs.list_services, cluster="x") == "ClusterNotFoundException"


def test_an_inactive_service_cannot_be_updated(simulated: SimulatedWorld) -> None:
    """ServiceNotActiveException; it is described as INACTIVE and listed no more."""
    service = serve(simulated)
    service.delete()
    with pytest.raises(ClientError, match="ServiceNotActiveException"):
        service.update(desiredCount=1)
    assert service.describe()["status"] == "INACTIVE"
    assert simulated.ecs.list_services(cluster=simulated.cluster)["serviceArns"] == []


@pytest.mark.parametrize(
    ("given", "deployments"),
    [
        ({"desiredCount": 2}, 1),
        ({"deploymentConfiguration": {"maximumPercent": 150}}, 1),
        ({"forceNewDeployment": True}, 2),
        ({"enableExecuteCommand": True}, 2),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-2"]}}}, 2),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}, 2),
    ],
)
def test_an_update_makes_a_deployment_when_tasks_must_change(
    simulated: SimulatedWorld, given: dict[str, Any], deployments: int
) -> None:
    """Counts and percentages do not; what tasks are launched with does."""
    service = serve(simulated)
    service.steady()
    assert len(service.update(**given)["service"]["deployments"]) == deployments
    assert service.steady()["deployments"][0]["status"] == "PRIMARY"


def test_a_strategy_takes_the_place_of_the_launch_type(simulated: SimulatedWorld) -> None:
    """DescribeServices shows one of the two, as it was given, so that Terraform plans nothing."""
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    service = serve(simulated, capacityProviderStrategy=strategy)
    found = service.steady()
    assert found["capacityProviderStrategy"] == strategy
    assert "launchType" not in found
    assert service.tasks()[0]["capacityProviderName"] == "FARGATE_SPOT"
    assert serve(simulated).describe()["launchType"] == "FARGATE"


def test_tags_reach_the_tasks_that_should_have_them(simulated: SimulatedWorld) -> None:
    """PropagateTags SERVICE, and the managed tags of cluster and service."""
    service = serve(
        simulated, tags=[{"key": "a", "value": "1"}], propagateTags="SERVICE", enableECSManagedTags=True
    )
    service.steady()
    (task,) = service.tasks()
    found = simulated.describe(task["taskArn"], include=["TAGS"])["tags"]
    assert {item["key"]: item["value"] for item in found} == {
        "a": "1",
        "aws:ecs:clusterName": simulated.cluster,
        "aws:ecs:serviceName": service.name,
    }


def test_a_service_waits_longer_after_each_failure_to_start(simulated: SimulatedWorld) -> None:
    """Without a circuit breaker it tries on: 10, 20, 40 s after the third, fourth and fifth failure."""
    simulated.behave(fails_to_start())
    service = Service(simulated, simulated.define())
    failures: list[float] = []

    def five() -> bool:
        stopped = service.tasks(desiredStatus="STOPPED")
        failures[:] = [task["createdAt"].timestamp() for task in stopped]
        return len(failures) == 6

    simulated.wait_for(five, "no six failures")
    gaps = [round(after - before) for before, after in itertools.pairwise(failures)]
    assert gaps[-3:] == [12, 22, 42]
    assert any("unable to consistently start tasks" in text for text in service.messages())


def test_no_capacity_is_a_message_and_another_try(simulated: SimulatedWorld) -> None:
    """The service says why it cannot place a task, and places it when there is capacity again."""
    simulated.plane.faults.add(Fault("capacity", times=1))
    service = serve(simulated)
    service.steady()
    assert any("unable to place a task. Reason: Capacity" in text for text in service.messages())


def test_a_stopped_rollout_rolls_back(simulated: SimulatedWorld) -> None:
    """StopServiceDeployment, which Terraform calls on Ctrl-C: back to the last completed deployment."""
    service = serve(simulated)
    good = service.steady()["taskDefinition"]
    simulated.behave(Behaviour(provisioning=600))
    service.update(taskDefinition=simulated.define())
    arn = service.rollouts()[0]["serviceDeploymentArn"]

    simulated.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")

    assert service.steady()["taskDefinition"] == good
    assert service.rollouts()[0]["status"] == "ROLLBACK_SUCCESSFUL"
    code = error_code(simulated.ecs.stop_service_deployment, serviceDeploymentArn=arn)
    assert code == "ConflictException"


def test_a_second_update_takes_over_from_the_first(simulated: SimulatedWorld) -> None:
    """The first rollout is STOPPED, its tasks too; only the newest deployment is left."""
    service = serve(simulated)
    service.steady()
    simulated.behave(Behaviour(provisioning=600, run=None))
    service.update(taskDefinition=simulated.define())
    simulated.clock.advance(1)
    simulated.behave(STEADY)
    newest = service.update(taskDefinition=simulated.define())["service"]["taskDefinition"]

    found = service.steady()

    assert [item["taskDefinition"] for item in found["deployments"]] == [newest]
    assert [item["status"] for item in service.rollouts()] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]


def test_a_failed_deployment_without_rollback_leaves_the_old_tasks(simulated: SimulatedWorld) -> None:
    """The circuit breaker alone stops launching; the service keeps what still runs."""
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    service = serve(simulated, deploymentConfiguration=breaker)
    service.steady()
    (task,) = service.tasks()
    simulated.behave(fails_to_start())
    service.update(taskDefinition=simulated.define())
    service.until(lambda found: found["deployments"][0]["rolloutState"] == "FAILED", "no failure")

    simulated.clock.advance(3000)

    assert [item["taskArn"] for item in service.tasks()] == [task["taskArn"]]
    assert service.rollouts()[0]["status"] == "STOPPED"


def test_services_send_their_events(simulated: SimulatedWorld) -> None:
    """ECS Deployment State Change and ECS Service Action, as EventBridge documents them."""
    seen: list[dict[str, Any]] = []
    simulated.plane.services.subscribe(lambda event: seen.append(event.envelope()))
    service = serve(simulated, deploymentConfiguration=ROLLING_BACK)
    found = service.steady()
    simulated.behave(fails_to_start())
    service.update(taskDefinition=simulated.define())
    service.until(lambda now: len(now["deployments"]) == 1, "no rollback")

    names = [event["detail"]["eventName"] for event in seen]
    assert names == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_TASK_START_IMPAIRED",
        "SERVICE_DEPLOYMENT_FAILED",
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    ]
    assert {tuple(event["resources"]) for event in seen} == {(found["serviceArn"],)}
    assert {event["source"] for event in seen} == {"aws.ecs"}
    failed = seen[5]
    assert failed["detail-type"] == "ECS Deployment State Change"
    assert failed["detail"]["eventType"] == "ERROR"
    assert failed["detail"]["reason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert seen[2]["detail-type"] == "ECS Service Action"
    assert seen[2]["detail"]["clusterArn"] == found["clusterArn"]


class Book:
    """A registrar that remembers."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], tuple[str, int | None]] = {}

    def register(
        self,
        service_registry_arn: str,
        task_id: str,
        address: str,
        port: int | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """See Registrar."""
        assert attributes is not None
        assert "ECS_SERVICE_NAME" in attributes
        self.entries[service_registry_arn, task_id] = (address, port)

    def deregister(self, service_registry_arn: str, task_id: str) -> None:
        """See Registrar."""
        del self.entries[service_registry_arn, task_id]


def test_a_task_is_registered_while_it_is_healthy(simulated: SimulatedWorld) -> None:
    """Not before its health check has passed, and not after it was stopped."""
    book = Book()
    simulated.plane.services.use_registrar(book)
    simulated.behave(Behaviour(run=None, healthy_after=5))
    family = simulated.define({"healthCheck": {"command": ["CMD", "true"]}})
    service = Service(simulated, family, serviceRegistries=[{"registryArn": "arn", "port": 8080}])

    service.until(lambda found: found["runningCount"] == 1, "no task runs")
    assert book.entries == {}
    service.steady()
    (task,) = service.tasks()
    address = task["attachments"][0]["details"][3]["value"]
    assert book.entries == {("arn", task["taskArn"].rsplit("/", 1)[-1]): (address, 8080)}
    service.update(desiredCount=0)
    simulated.clock.advance(0.1)
    assert book.entries == {}


def test_faults_strike_calls_about_services(simulated: SimulatedWorld) -> None:
    """As they do calls about tasks: a throttled CreateService makes no service."""
    simulated.plane.faults.add(Fault("throttle", operations=("CreateService",), times=1))
    with pytest.raises(ClientError, match="ThrottlingException"):
        serve(simulated)
    assert simulated.ecs.list_services(cluster=simulated.cluster)["serviceArns"] == []


def test_list_services_has_pages(simulated: SimulatedWorld) -> None:
    """Ten a page unless more are asked for, in the order of creation."""
    made = [serve(simulated, desiredCount=0).name for _ in range(12)]
    first = simulated.ecs.list_services(cluster=simulated.cluster)
    rest = simulated.ecs.list_services(cluster=simulated.cluster, nextToken=first["nextToken"])
    listed = [arn.rsplit("/", 1)[-1] for arn in first["serviceArns"] + rest["serviceArns"]]
    assert (len(first["serviceArns"]), listed) == (10, made)
