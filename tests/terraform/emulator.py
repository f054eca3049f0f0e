"""A moto server of one's own, and what is left in it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_S = 180
REGION = "us-east-1"


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"moto did not come up on port {port}")
        time.sleep(0.1)


@contextlib.contextmanager
def moto(log: Path) -> Iterator[str]:
    """Run a moto server and yield its address; its output goes to the file ``log``.

    Raises:
        RuntimeError: it does not come up.
    """
    port = _free_port()
    environment = {"PATH": os.environ.get("PATH", ""), "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    with log.open("wb") as output:
        command = [sys.executable, "-m", "moto.server", "-p", str(port)]
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _wait_for(server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            # It has nothing to save, and under load its own way of ending takes many seconds.
            server.kill()
            server.wait()


def client(url: str, service: str) -> Any:
    """Return boto3's client of a service of the emulator."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def left_over(url: str) -> dict[str, list[str]]:
    """Return what is left in the emulated account, by kind; empty after a complete destroy."""
    ec2, iam, kms, logs, cloudwatch, ecs = (
        client(url, name) for name in ("ec2", "iam", "kms", "logs", "cloudwatch", "ecs")
    )
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    databases = client(url, "rds").describe_db_instances()["DBInstances"]
    namespaces = client(url, "servicediscovery").list_namespaces()["Namespaces"]
    repositories = client(url, "ecr").describe_repositories()["repositories"]
    found = {
        "buckets": [bucket["Name"] for bucket in client(url, "s3").list_buckets()["Buckets"]],
        "queues": client(url, "sqs").list_queues().get("QueueUrls", []),
        "log groups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
        "repositories": [repository["repositoryName"] for repository in repositories],
        "rules": [rule["Name"] for rule in client(url, "events").list_rules()["Rules"]],
        "alarms": [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]],
        "dashboards": [board["DashboardName"] for board in cloudwatch.list_dashboards()["DashboardEntries"]],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "policies": [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]],
        # A deleted cluster stays visible as INACTIVE for a while.
        "clusters": [cluster["clusterArn"] for cluster in clusters if cluster["status"] == "ACTIVE"],
        "task definitions": ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"],
        "databases": [database["DBInstanceIdentifier"] for database in databases],
        "secrets": [secret["Name"] for secret in client(url, "secretsmanager").list_secrets()["SecretList"]],
        "namespaces": [namespace["Name"] for namespace in namespaces],
        "networks": [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]],
        "addresses": [address["AllocationId"] for address in ec2.describe_addresses()["Addresses"]],
        # A key cannot be deleted at once, only be on its way.
        "keys": [key["KeyId"] for key in keys if key["KeyState"] != "PendingDeletion"],
    }
    return {kind: names for kind, names in found.items() if names}
