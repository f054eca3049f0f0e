"""Terraform's provider with the local cloud's services: steady state, a clean second plan, a rollback."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local_cloud import Behaviour, fails_to_start
from local_cloud.cloud import CloudOptions, LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "us-east-1"
SECOND = Behaviour(provisioning=0.2, pending=0.2, run=None, stopping=0.2, deprovisioning=0.2)
CONFIGURATION = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
provider "aws" {
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  default_tags { tags = { project = "x" } }
}
variable "image" { default = "x:1" }
variable "subnet" {}
resource "aws_ecs_task_definition" "t" {
  family                   = "t"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  skip_destroy             = true
  container_definitions    = jsonencode([{ name = "main", image = var.image }])
}
resource "aws_ecs_service" "launch_type" {
  name                  = "launch-type"
  cluster               = "c"
  task_definition       = aws_ecs_task_definition.t.arn
  desired_count         = 1
  launch_type           = "FARGATE"
  platform_version      = "LATEST"
  propagate_tags        = "SERVICE"
  wait_for_steady_state = true
  tags                  = { a = "1" }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = [var.subnet]
    assign_public_ip = true
  }
}
resource "aws_ecs_service" "strategy" {
  name                  = "strategy"
  cluster               = "c"
  task_definition       = aws_ecs_task_definition.t.arn
  desired_count         = 1
  wait_for_steady_state = true
  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    weight            = 1
  }
  network_configuration { subnets = [var.subnet] }
}
output "running" { value = aws_ecs_service.launch_type.task_definition }
output "registered" { value = aws_ecs_task_definition.t.arn }
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A cloud with simulated tasks and a cluster."""
    with LocalCloud(CloudOptions(engine="simulated", port=0, seed=1)) as cloud:
        cloud.engine.default = SECOND  # type: ignore[attr-defined]
        session = boto3.Session("local", "local", region_name=REGION)
        ecs = session.client("ecs", endpoint_url=cloud.endpoint)
        ecs.create_cluster(clusterName="c", capacityProviders=["FARGATE", "FARGATE_SPOT"])
        yield cloud


def test_terraform_sees_services_as_on_aws(
    cloud: LocalCloud, tmp_path: Path, terraform_program: str, terraform_environment: dict[str, str]
) -> None:
    """Apply waits for tasks; the second plan is empty; an update rolls; a bad image is rolled back."""
    session = boto3.Session("local", "local", region_name=REGION)
    ecs = session.client("ecs", endpoint_url=cloud.endpoint)
    subnet = session.client("ec2", endpoint_url=cloud.endpoint).describe_subnets()["Subnets"][0]["SubnetId"]
    environment = {**terraform_environment, "AWS_ENDPOINT_URL": cloud.endpoint, "TF_VAR_subnet": subnet}
    (tmp_path / "main.tf").write_text(CONFIGURATION, encoding="utf-8")

    def terraform(*arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [terraform_program, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def counts() -> dict[str, int]:
        found = ecs.describe_services(cluster="c", services=["launch-type", "strategy"])["services"]
        return {item["serviceName"]: item["runningCount"] for item in found}

    def outputs() -> dict[str, Any]:
        shown = json.loads(terraform("output", "-json"))
        return {name: item["value"].rsplit("/", 1)[-1] for name, item in shown.items()}

    apply = ("apply", "-auto-approve", "-no-color")
    terraform("init", "-no-color")
    terraform(*apply)
    assert counts() == {"launch-type": 1, "strategy": 1}
    terraform("plan", "-detailed-exitcode", "-no-color")

    terraform(*apply, "-var", "image=x:2")
    assert outputs() == {"running": "t:2", "registered": "t:2"}

    cloud.engine.default = fails_to_start("CannotPullContainerError")  # type: ignore[attr-defined]
    terraform(*apply, "-var", "image=x:3", "-target", "aws_ecs_service.launch_type")
    assert outputs() == {"running": "t:2", "registered": "t:3"}

    cloud.engine.default = SECOND  # type: ignore[attr-defined]
    terraform("destroy", "-auto-approve", "-no-color")
    assert ecs.list_services(cluster="c")["serviceArns"] == []
