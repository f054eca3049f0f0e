"""Mistakes in the inputs of the module: the plan fails with a sentence that names the remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from terraform.mocks import mock_provider

if TYPE_CHECKING:
    from pathlib import Path

    from terraform.conftest import Run

# Input in terraform.tfvars -> the fact and the remedy in the message.
BAD = {
    'name = "My_Airflow"': "2 to 24 lower-case letters, digits and single hyphens",
    "worker_memory = 1024": "Fargate has no size with cpu 1024 and memory 1024. Sizes",
    "worker_cpu = 1000": "cpu must be 256, 512, 1024, 2048, 4096, 8192 or 16384, got 1000",
    'availability_zones = ["us-east-1a"]': "two to six availability zones, or empty for",
    'availability_zones = ["us-east-1a", "us-east-1z"]': "in us-east-1z. In us-east-1, use us-east-1a",
    'vpc_cidr = "10.0.0.0/24"': "between /16 and /22, for example 10.0.0.0/16, got '10.0.0.0/24'",
    'nat = "nonne"': "nat must be none, single, per_zone or public, got 'nonne'",
    'existing_network = { vpc_id = "vpc-0aaa", subnet_ids = [] }': "2 to 16 subnets in two zones",
    'existing_network = { vpc_id = "vpc-0aaa", subnets = [] }': 'attribute "subnet_ids" is required',
    'egress_cidrs = { db = { prot = 1, cidrs = ["10.0.0.0/8"] } }': 'attribute "port" is required',
    "budget = { monthly_used = 100, emails = [] }": 'attribute "monthly_usd" is required',
    'tags = { share = "50%" }': 'AWS rejects "share" of tags',
    'tags = { "AWS:x" = "y" }': "must not begin with aws:",
    'worker_secrets = { HOME = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf" }': (
        "Set twice: HOME."
    ),
    'airflow_cidrs = ["10.0.0.7/16"]': "an IPv4 range that begins at its first address",
    'airflow_security_group_ids = { a = "sg-0a", b = "sg-0a" }': "security groups must not repeat",
    "capacity = []": "capacity must not be empty. Use FARGATE, FARGATE_SPOT or both",
    'capacity = ["FARGATE_SPOT:0", "FARGATE"]': "capacity must only contain FARGATE and FARGATE_SPOT",
}


@pytest.fixture(scope="module")
def sentences(infrastructure: Path, run: Run) -> dict[str, str]:
    """Return what a plan with each bad input says, in one run of Terraform: input -> its errors."""
    files = {f"bad_{number}.tftest.hcl": given for number, given in enumerate(BAD)}
    for name, given in files.items():
        plan = f'run "plan" {{\n  command = plan\n  variables {{\n    {given}\n  }}\n}}\n'
        (infrastructure / name).write_text(f"{mock_provider(infrastructure)}\n{plan}", encoding="utf-8")
    try:
        done = run(infrastructure, "test", "-json", *(f"-filter={name}" for name in files))
    finally:
        for name in files:
            (infrastructure / name).unlink()
    found = dict.fromkeys(BAD, "")
    for line in map(json.loads, done.stdout.splitlines()):
        if line["type"] == "diagnostic" and line["diagnostic"]["severity"] == "error":
            found[files[line["@testfile"]]] += " ".join(line["diagnostic"]["detail"].split())
    return found


@pytest.mark.parametrize(("given", "sentence"), BAD.items(), ids=BAD)
def test_a_bad_input_fails_the_plan_with_a_remedy(
    given: str, sentence: str, sentences: dict[str, str]
) -> None:
    """The message names the value and what is allowed."""
    assert sentence in sentences[given]
