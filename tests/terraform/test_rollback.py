"""A new image whose containers never start: ECS goes back to the old one, and the apply fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local_cloud import Behaviour
from local_cloud.cloud import CloudOptions, LocalCloud
from local_cloud.simulated.engine import SimulatedEngine
from terraform.iam import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from terraform.conftest import Run

GOOD, BROKEN = (f"example.org/control@sha256:{digit * 64}" for digit in "01")
RUNNING = Behaviour(provisioning=0, pending=0, run=None)
REJECTED = Behaviour(
    provisioning=0, pending=0, fails_in="PENDING", stopped_reason="CannotPullContainerError: none"
)

PROVIDER = f"""
provider "aws" {{
  region                      = "{REGION}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 3
}}

variable "image" {{
  type = string
}}

module "service" {{
  source = "./modules/service"
  image  = var.image
"""


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """Return a cloud whose containers run and are healthy, with a cluster and a network."""
    with LocalCloud(CloudOptions(engine="simulated", port=0)) as cloud:
        assert isinstance(cloud.engine, SimulatedEngine)
        cloud.engine.default = RUNNING
        yield cloud


def client(cloud: LocalCloud, service: str) -> Any:
    """Return a client of the cloud."""
    return boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def root(cloud: LocalCloud, infrastructure: Path, tmp_path: Path, run: Run) -> Path:
    """Return a configuration with one service, initialised."""
    ec2 = client(cloud, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    inputs = {
        "name": "airflow",
        "component": "triggerer",
        "repository_arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/airflow/control",
        "command": ["triggerer"],
        "health_command": ["true"],
        "cpu": 256,
        "memory": 1024,
        "secrets": {"KEY": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:key-AbCdEf"},
        "read_secret_arns": [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf"],
        "kms_key_arn": client(cloud, "kms").create_key()["KeyMetadata"]["Arn"],
        "https": {"cidrs": ["0.0.0.0/0"], "prefix_lists": {}},
        "security_group_id": ec2.create_security_group(
            GroupName="triggerer", Description="x", VpcId=subnet["VpcId"]
        )["GroupId"],
        "cluster_arn": client(cloud, "ecs").create_cluster(clusterName="airflow")["cluster"]["clusterArn"],
        "subnet_ids": [subnet["SubnetId"]],
    }
    arguments = "\n".join(f"  {name} = {json.dumps(value)}" for name, value in inputs.items())
    (tmp_path / "main.tf").write_text(f"{PROVIDER}{arguments}\n}}\n", encoding="utf-8")
    (tmp_path / "modules").symlink_to(infrastructure / "modules")
    done = run(tmp_path, "init", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path


def test_a_broken_image_keeps_the_old_version_and_fails_the_apply(
    cloud: LocalCloud, root: Path, run: Run
) -> None:
    """The postcondition says what the provider does not: terraform-provider-aws #20858."""
    words = ["apply", "-auto-approve", "-no-color"]
    done = run(root, *words, AWS_ENDPOINT_URL=cloud.endpoint, TF_VAR_image=GOOD)
    assert done.returncode == 0, done.stdout + done.stderr

    cloud.engine.default = REJECTED  # type: ignore[attr-defined]  # the simulated engine has it
    broken = run(root, *words, AWS_ENDPOINT_URL=cloud.endpoint, TF_VAR_image=BROKEN)

    assert broken.returncode == 1
    sentence = " ".join(broken.stderr.replace("│", " ").split())
    assert "The new containers of triggerer did not become healthy" in sentence
    assert "aws logs tail /airflow-fargate/airflow/triggerer --since 1h" in sentence
    (service,) = client(cloud, "ecs").describe_services(cluster="airflow", services=["triggerer"])["services"]
    assert (service["taskDefinition"].rpartition(":")[2], service["runningCount"]) == ("1", 1)
