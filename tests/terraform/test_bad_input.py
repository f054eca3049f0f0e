"""What people get wrong, at the root: refused at plan, with a sentence that says what would be right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from terraform.mocks import mock_provider

if TYPE_CHECKING:
    from pathlib import Path

    from terraform.conftest import Run

# What is given in terraform.tfvars -> words of the sentence.
BAD = {
    'name = "My_Airflow"': "2 to 24 characters: lower-case letters, digits and single hyphens",
    "worker_memory = 1024": "Fargate has no such pair of cpu and memory: 1024 and 1024. It has",
    "worker_cpu = 1000": "cpu must be 256, 512, 1024, 2048, 4096, 8192 or 16384",
    'availability_zones = ["us-east-1a"]': "with one zone, its lack of capacity stops every task",
    'availability_zones = ["us-east-1a", "us-east-1z"]': "No Fargate in us-east-1z: the zones of us-east-1",
    'vpc_cidr = "10.0.0.0/24"': "an IPv4 range between /16 and /22, for instance 10.0.0.0/16",
    'nat = "nonne"': "nat must be none, single, per_zone or public",
    'existing_network = { vpc_id = "vpc-0aaa", subnet_ids = [] }': "Give 2 to 16 subnets in two zones",
    'existing_network = { vpc_id = "vpc-0aaa", subnets = [] }': 'attribute "subnet_ids" is required',
    'egress_cidrs = { db = { prot = 1, cidrs = ["10.0.0.0/8"] } }': 'attribute "port" is required',
    "budget = { monthly_used = 100, emails = [] }": 'attribute "monthly_usd" is required',
    'tags = { share = "50%" }': 'AWS rejects "share" of tags',
    'tags = { "AWS:x" = "y" }': "AWS keeps tag keys that begin with aws: to itself",
    'worker_secrets = { HOME = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf" }': (
        "Given twice: HOME. ECS rejects a name that is in more than one"
    ),
    'airflow_cidrs = ["10.0.0.7/16"]': "an IPv4 range that begins at its first address",
    'airflow_security_group_ids = { a = "sg-0a", b = "sg-0a" }': "security groups may be named once",
    "capacity = []": "at least one capacity provider: FARGATE, FARGATE_SPOT or both",
    'capacity = ["FARGATE_SPOT:0", "FARGATE"]': "in which a launch tries them; there are no weights",
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
def test_a_bad_input_is_refused_at_plan_in_words(
    given: str, sentence: str, sentences: dict[str, str]
) -> None:
    """The sentence says what is allowed."""
    assert sentence in sentences[given]
