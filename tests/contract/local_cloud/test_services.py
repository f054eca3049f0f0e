"""ECS services: what their scheduler does with tasks, with simulated and with real containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract.local_cloud.service import CHECK, CIRCUIT_BREAKER, FOREVER, STEADY, Service
from contract.local_cloud.test_both_engines import conforms
from contract.local_cloud.worlds import error_code
from local_cloud import Behaviour, fails_to_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.local_cloud.worlds import World

    Serve = Callable[..., Service]


@pytest.fixture
def serve(world: World) -> Iterator[Serve]:
    """Make services; they are deleted at the end."""
    made: list[Service] = []

    def make(family: str | None = None, **given: Any) -> Service:
        if family is None:
            world.behave(STEADY)
            family = world.define(world.scripted(FOREVER))
        made.append(Service(world, family, **given))
        return made[-1]

    yield make
    for service in made:
        service.delete()


def checked(world: World, script: str, **check: Any) -> str:
    """A family whose container has a health check and runs a script."""
    return world.define({**world.scripted(script), "healthCheck": {**CHECK, **check}})


def test_a_service_starts_its_tasks_and_becomes_steady(world: World, serve: Serve) -> None:
    """Tasks carry group and startedBy; the deployment is COMPLETED; the service says that it is steady."""
    service = serve(desiredCount=2)
    assert service.created["service"]["status"] == "ACTIVE"
    assert service.created["service"]["deployments"][0]["rolloutState"] == "IN_PROGRESS"

    found = service.steady()

    deployment = found["deployments"][0]
    assert (found["runningCount"], found["pendingCount"], deployment["status"]) == (2, 0, "PRIMARY")
    assert {task["group"] for task in service.tasks()} == {f"service:{service.name}"}
    assert {task["startedBy"] for task in service.tasks()} == {deployment["id"]}
    assert deployment["id"].startswith("ecs-svc/")
    assert service.messages()[-1] == f"(service {service.name}) has reached a steady state."
    conforms("CreateService", service.created)


def test_a_killed_container_is_replaced(world: World, serve: Serve) -> None:
    """The task of the killed container stops with 137, and another takes its place."""
    service = serve()
    service.steady()
    before = service.tasks()[0]["taskArn"]

    world.kill(before)

    assert world.ended(before)["containers"][0]["exitCode"] == 137
    service.until(lambda found: found["runningCount"] == 1 and service.tasks()[0]["taskArn"] != before, "no")


def test_scaling_changes_the_number_of_tasks_and_nothing_else(world: World, serve: Serve) -> None:
    """Up and down within one deployment; surplus tasks stop because of ServiceSchedulerInitiated."""
    service = serve()
    deployment = service.steady()["deployments"][0]["id"]
    oldest = service.tasks()[0]["taskArn"]

    service.update(desiredCount=3)
    service.until(lambda found: found["runningCount"] == 3, "not scaled out")
    service.update(desiredCount=1)
    found = service.until(lambda found: found["runningCount"] == 1, "not scaled in")

    assert [item["id"] for item in found["deployments"]] == [deployment]
    assert [task["taskArn"] for task in service.tasks()] == [oldest]
    stopped = service.tasks(desiredStatus="STOPPED")
    assert {task["stopCode"] for task in stopped} == {"ServiceSchedulerInitiated"}
    assert {task["stoppedReason"] for task in stopped} == {
        f"Scaling activity initiated by (deployment {deployment})"
    }


def test_an_inactive_revision_keeps_its_service_running(world: World, serve: Serve) -> None:
    """Terraform deregisters the old revision before it updates the service: that one still scales."""
    service = serve()
    revision = service.steady()["taskDefinition"]

    world.deregister(revision)
    service.update(desiredCount=2)

    service.until(lambda found: found["runningCount"] == 2, "not scaled out")
    assert error_code(world.ecs.run_task, **world.request(revision)) == "ClientException"


def test_a_rolling_update_starts_new_tasks_before_it_stops_old_ones(world: World, serve: Serve) -> None:
    """Minimum 100 %, maximum 200 %: never less than one running task; the old deployment disappears."""
    service = serve()
    first = service.steady()["deployments"][0]
    newer = world.define(world.scripted(FOREVER))
    least = []

    def both_seen() -> bool:
        found = service.describe()
        least.append(found["runningCount"])
        return [item["rolloutState"] for item in found["deployments"]] == ["COMPLETED"]

    service.update(taskDefinition=newer)
    assert [item["status"] for item in service.describe()["deployments"]] == ["PRIMARY", "ACTIVE"]
    world.wait_for(both_seen, "the update does not end")

    assert min(least) == 1
    found = service.describe()
    assert found["deployments"][0]["id"] != first["id"]
    assert found["taskDefinition"].endswith(f"/{newer}:1")
    assert [task["taskDefinitionArn"] for task in service.tasks()] == [found["taskDefinition"]]
    assert [item["status"] for item in service.rollouts()] == ["SUCCESSFUL", "SUCCESSFUL"]


def test_without_room_old_tasks_stop_first(world: World, serve: Serve) -> None:
    """Minimum 0 %, maximum 100 %: at no time are there two tasks that run or start."""
    percent = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    service = serve(deploymentConfiguration=percent)
    service.steady()
    most, least = [], []

    def done() -> bool:
        found = service.describe()
        most.append(found["runningCount"] + found["pendingCount"])
        least.append(found["runningCount"])
        return [item["rolloutState"] for item in found["deployments"]] == ["COMPLETED"]

    service.update(forceNewDeployment=True)
    world.wait_for(done, "the update does not end")

    assert max(most) == 1
    assert min(least) == 0


def test_a_task_counts_when_its_health_check_has_passed(world: World, serve: Serve) -> None:
    """RUNNING is not enough for the deployment to be COMPLETED: HEALTHY is."""
    world.behave(Behaviour(run=None, healthy_after=3))
    service = serve(checked(world, f"sleep 2; touch /tmp/up; {FOREVER}", startPeriod=60))

    service.until(lambda found: found["runningCount"] == 1, "no task runs")
    assert service.describe()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert service.tasks()[0]["healthStatus"] == "UNKNOWN"

    service.steady()
    task = service.tasks()[0]
    assert (task["healthStatus"], task["containers"][0]["healthStatus"]) == ("HEALTHY", "HEALTHY")


def test_an_unhealthy_task_is_replaced_before_it_is_stopped(world: World, serve: Serve) -> None:
    """Its check fails `retries` times: a new task becomes healthy, then the old one stops and says why."""
    world.behave(Behaviour(run=None, unhealthy_after=10))
    service = serve(checked(world, f"touch /tmp/up; {FOREVER}"))
    service.steady()
    before = service.tasks()[0]["taskArn"]
    world.behave(STEADY)

    world.execute(before, "touch", "/tmp/sick")  # noqa: S108  in the container

    stopped = world.ended(before)
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"
    assert stopped["stoppedReason"] == "Task failed container health checks"
    replacement = service.tasks()[0]
    assert replacement["startedAt"] <= stopped["stoppingAt"]
    assert f"(service {service.name}) (task {before.rsplit('/', 1)[-1]}) failed container health checks." in (
        service.messages()
    )


def test_the_circuit_breaker_rolls_a_broken_image_back(world: World, serve: Serve) -> None:
    """Three tasks fail to start: the old deployment is PRIMARY again, its task has run on all the time."""
    service = serve(deploymentConfiguration={"deploymentCircuitBreaker": CIRCUIT_BREAKER})
    good = service.steady()
    task = service.tasks()[0]["taskArn"]
    world.behave(fails_to_start("CannotPullContainerError: none", fails_in="PENDING"))
    broken = world.define({**world.scripted(FOREVER), "image": "127.0.0.1:1/none:1"})

    service.update(taskDefinition=broken)
    service.until(lambda found: found["deployments"][0]["id"] == good["deployments"][0]["id"], "no rollback")
    found = service.steady()

    assert found["taskDefinition"] == good["taskDefinition"]
    assert [item["taskArn"] for item in service.tasks()] == [task]
    newest = service.rollouts()[0]
    assert newest["status"] == "ROLLBACK_SUCCESSFUL"
    assert newest["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert newest["rollback"]["serviceRevisionArn"].rsplit("/", 1)[-1] in good["deployments"][0]["id"]
    name = service.name
    said = service.messages()
    assert any(text.endswith("deployment failed: tasks failed to start.") for text in said)
    assert f"(service {name}) rolling back to (deployment {good['deployments'][0]['id']})." in said


def test_the_circuit_breaker_counts_failed_health_checks(world: World, serve: Serve) -> None:
    """Tasks that run and never become healthy fail as those that never start do."""
    breaker = {"deploymentCircuitBreaker": CIRCUIT_BREAKER}
    service = serve(deploymentConfiguration=breaker)
    good = service.steady()
    world.behave(Behaviour(run=None, healthy_after=None, unhealthy_after=5))
    sick = checked(world, FOREVER)

    service.update(taskDefinition=sick)
    service.until(lambda found: found["taskDefinition"] == good["taskDefinition"], "no rollback")

    assert service.steady()["deployments"][0]["id"] == good["deployments"][0]["id"]
    stopped = [task for task in service.tasks(desiredStatus="STOPPED") if task["healthStatus"] == "UNHEALTHY"]
    assert len(stopped) == 3


def test_a_first_deployment_that_fails_has_nothing_to_return_to(world: World, serve: Serve) -> None:
    """FAILED, no more launches, and the service deployment is ROLLBACK_FAILED."""
    world.behave(fails_to_start("CannotPullContainerError: none", fails_in="PENDING"))
    broken = world.define({**world.scripted(FOREVER), "image": "127.0.0.1:1/none:1"})
    service = serve(broken, deploymentConfiguration={"deploymentCircuitBreaker": CIRCUIT_BREAKER})

    found = service.until(lambda found: found["deployments"][0]["rolloutState"] == "FAILED", "no failure")

    assert found["deployments"][0]["rolloutStateReason"] == (
        "ECS deployment circuit breaker: tasks failed to start."
    )
    assert service.rollouts()[0]["status"] == "ROLLBACK_FAILED"
    assert service.tasks() == []
    assert len(service.tasks(desiredStatus="STOPPED")) == 3


def test_a_stopped_task_has_its_stop_timeout_before_it_is_killed(world: World, serve: Serve) -> None:
    """Draining: SIGTERM, then `stopTimeout` seconds for a container that needs them; the service waits."""
    slow = world.define(
        {**world.scripted("trap 'sleep 1; exit 7' TERM; while :; do sleep 0.05; done"), "stopTimeout": 20}
    )
    world.behave(Behaviour(run=None, stopping=1, stop_exit_code=7))
    service = serve(slow)
    service.steady()
    task = service.tasks()[0]["taskArn"]

    world.ecs.delete_service(cluster=world.cluster, service=service.name, force=True)

    assert service.describe()["status"] == "DRAINING"
    stopped = world.ended(task)
    assert stopped["containers"][0]["exitCode"] == 7
    service.until(lambda found: found["status"] == "INACTIVE", "not INACTIVE")


def test_every_answer_about_services_conforms_to_botocores_model(world: World, serve: Serve) -> None:
    """No member that ECS's model does not have, and none of a wrong type."""
    ecs, cluster = world.ecs, world.cluster
    service = serve(
        tags=[{"key": "a", "value": "1"}],
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
    )
    service.steady()
    conforms("UpdateService", service.update(desiredCount=1))
    described = ecs.describe_services(cluster=cluster, services=[service.name, "none"], include=["TAGS"])
    conforms("DescribeServices", described)
    assert described["services"][0]["tags"] == [{"key": "a", "value": "1"}]
    assert [item["reason"] for item in described["failures"]] == ["MISSING"]
    conforms("ListServices", ecs.list_services(cluster=cluster))
    listed = ecs.list_service_deployments(cluster=cluster, service=service.name)
    conforms("ListServiceDeployments", listed)
    arns = [item["serviceDeploymentArn"] for item in listed["serviceDeployments"]]
    conforms("DescribeServiceDeployments", ecs.describe_service_deployments(serviceDeploymentArns=arns))
    arn = described["services"][0]["serviceArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    deleted = ecs.delete_service(cluster=cluster, service=service.name, force=True)
    conforms("DeleteService", deleted)
