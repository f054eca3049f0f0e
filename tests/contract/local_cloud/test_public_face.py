"""The local cloud is used through its public modules, by everybody but its own tests."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from contract.local_cloud.worlds import client, error_code
from local_cloud import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from local_cloud.cloud import LocalCloud

TESTS = Path(__file__).parents[2]
OWN = (TESTS / "local_cloud", TESTS / "contract" / "local_cloud")
UNTIL_STOPPED = Behaviour(provisioning=0, pending=0.1, run=None, stopping=0.1, deprovisioning=0)
PUBLIC = {"local_cloud", "local_cloud.cloud", "local_cloud.errors", "local_cloud.layers"}


def imports(file: Path) -> Iterator[str]:
    """The modules of the local cloud that a file imports from."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "local_cloud":
            yield str(node.module)
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names if item.name.startswith("local_cloud"))


def test_nobody_reaches_behind_the_public_modules() -> None:
    """Scenarios, chaos, benchmarks and the smoke import names that the README promises."""
    files = [file for file in TESTS.rglob("*.py") if not any(file.is_relative_to(own) for own in OWN)]
    found = {file.relative_to(TESTS): set(imports(file)) for file in files}
    assert any(found.values())
    assert {file: names - PUBLIC for file, names in found.items() if names - PUBLIC} == {}


def test_a_container_of_a_service_is_killed_over_http_and_replaced(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """POST /_local/kill; GET /_local/services shows the service, and it has another task soon."""
    cloud.engine.default = UNTIL_STOPPED  # type: ignore[attr-defined]
    ecs, cluster = client(cloud.endpoint, "ecs"), request_for["cluster"]
    ecs.create_service(serviceName="s", desiredCount=1, **request_for)

    def running() -> list[str]:
        return [
            task["taskArn"]
            for task in requests.get(f"{cloud.endpoint}/_local/tasks", timeout=10).json()["tasks"]
            if task["clusterArn"].endswith(f"/{cluster}") and task["lastStatus"] == "RUNNING"
        ]

    waiter = ecs.get_waiter("services_stable")
    waiter.wait(cluster=cluster, services=["s"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    (before,) = running()

    killed = requests.post(f"{cloud.endpoint}/_local/kill", json={"task": before}, timeout=10)
    again = requests.post(f"{cloud.endpoint}/_local/kill", json={"task": "nobody"}, timeout=10)

    assert (killed.status_code, again.status_code) == (200, 400)
    waiter.wait(cluster=cluster, services=["s"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    (shown,) = [
        service
        for service in requests.get(f"{cloud.endpoint}/_local/services", timeout=10).json()["services"]
        if service["clusterArn"].endswith(f"/{cluster}")
    ]
    assert (shown["serviceName"], shown["runningCount"]) == ("s", 1)
    assert running() != [before]
    assert error_code(ecs.delete_cluster, cluster=cluster) == "ClusterContainsServicesException"
    ecs.delete_service(cluster=cluster, service="s", force=True)
    ecs.get_waiter("services_inactive").wait(
        cluster=cluster, services=["s"], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    ecs.delete_cluster(cluster=cluster)
