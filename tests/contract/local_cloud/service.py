"""One service of a world, with what its tests ask again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.local_cloud.worlds import NUMBERS
from local_cloud import Behaviour

if TYPE_CHECKING:
    from contract.local_cloud.worlds import World

FOREVER = "trap 'exit 143' TERM; while :; do sleep 0.05; done"
STEADY = Behaviour(run=None)
# A health check that passes once the container has made /tmp/up, and fails once it has made /tmp/sick.
CHECK = {
    "command": ["CMD", "bash", "-c", "[[ -e /tmp/up && ! -e /tmp/sick ]]"],
    "interval": 5,
    "timeout": 5,
    "retries": 1,
}
CIRCUIT_BREAKER = {"enable": True, "rollback": True}


class Service:
    """A service in the world's cluster; the calls are those of ECS."""

    def __init__(self, world: World, family: str, **given: Any) -> None:
        self.world = world
        self.name = f"s{next(NUMBERS)}"
        given = {"desiredCount": 1, **({} if "capacityProviderStrategy" in given else FARGATE), **given}
        self.created: dict[str, Any] = world.ecs.create_service(
            cluster=world.cluster,
            serviceName=self.name,
            taskDefinition=family,
            networkConfiguration={"awsvpcConfiguration": {"subnets": [world.subnet]}},
            **given,
        )

    def update(self, **given: Any) -> dict[str, Any]:
        """UpdateService."""
        answer: dict[str, Any] = self.world.ecs.update_service(
            cluster=self.world.cluster, service=self.name, **given
        )
        return answer

    def describe(self, **more: Any) -> dict[str, Any]:
        """The service as DescribeServices shows it."""
        answer = self.world.ecs.describe_services(cluster=self.world.cluster, services=[self.name], **more)
        return dict(answer["services"][0])

    def tasks(self, **more: Any) -> list[dict[str, Any]]:
        """Its tasks, oldest first."""
        listed = self.world.ecs.list_tasks(cluster=self.world.cluster, serviceName=self.name, **more)[
            "taskArns"
        ]
        if not listed:
            return []
        return list(self.world.ecs.describe_tasks(cluster=self.world.cluster, tasks=listed)["tasks"])

    def steady(self) -> dict[str, Any]:
        """The service as soon as its PRIMARY deployment is COMPLETED and alone."""

        def condition() -> dict[str, Any] | None:
            found = self.describe()
            deployments = found["deployments"]
            done = [item["rolloutState"] for item in deployments] == ["COMPLETED"]
            return found if done and found["runningCount"] == found["desiredCount"] else None

        found: dict[str, Any] = self.world.wait_for(condition, f"{self.name} is not steady")
        return found

    def until(self, condition: Any, what: str) -> dict[str, Any]:
        """The service as soon as a condition over it holds."""
        found: dict[str, Any] = self.world.wait_for(
            lambda: service if condition(service := self.describe()) else None, f"{self.name}: {what}"
        )
        return found

    def messages(self) -> list[str]:
        """Its events, the oldest first."""
        return [item["message"] for item in reversed(self.describe()["events"])]

    def rollouts(self) -> list[dict[str, Any]]:
        """Its service deployments, the newest first, as DescribeServiceDeployments shows them."""
        listed = self.world.ecs.list_service_deployments(cluster=self.world.cluster, service=self.name)
        arns = [item["serviceDeploymentArn"] for item in listed["serviceDeployments"]]
        shown = self.world.ecs.describe_service_deployments(serviceDeploymentArns=arns)
        by_arn = {item["serviceDeploymentArn"]: item for item in shown["serviceDeployments"]}
        return [by_arn[arn] for arn in arns]

    def delete(self, **more: Any) -> None:
        """Scale to 0, delete, and wait until it is INACTIVE, as Terraform does."""
        if self.describe()["status"] == "ACTIVE":
            self.update(desiredCount=0)
            self.world.ecs.delete_service(cluster=self.world.cluster, service=self.name, **more)
        self.until(lambda found: found["status"] == "INACTIVE", "does not become INACTIVE")


FARGATE = {"launchType": "FARGATE"}
