"""Airflow's components as Terraform writes them: who has which secret, and who may call what on AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from terraform import iam, written_policies
from terraform.iam_calls import Place, requests_of
from terraform.test_under_policy import CLUSTER, IN_CLUSTER, INPUTS, KEYS, PLACE, TO_TASKS
from terraform.written_policies import Module

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from terraform.conftest import Run

COMPONENTS = ("api", "scheduler", "dag-processor", "triggerer")
KEY = KEYS["logs"]
DIGEST = f"sha256:{'0' * 64}"
DAGS_BUCKET = f"airflow-dags-{iam.ACCOUNT}-{iam.REGION}"


def secret(name: str) -> str:
    """Return the ARN of a secret."""
    return PLACE.arn("secretsmanager", f"secret:{name}-AbCdEf")


POLICIES = {
    name: f"arn:aws:iam::{iam.ACCOUNT}:policy/{name}" for name in ("scheduler", "reader", "triggerer", "dags")
}
CONTROL_PLANE = {
    "name": "airflow",
    "image": f"example.org/control@{DIGEST}",
    "repository_arn": PLACE.arn("ecr", "repository/airflow/control"),
    "airflow_environment": {},
    "worker_task_definition_arn": PLACE.arn("ecs", "task-definition/airflow-worker:7"),
    "execution_url": "http://api.airflow.airflow.internal:8080/execution/",
    "bundle_config": "[]",
    "database": {
        "address": "database",
        "name": "airflow",
        "secret_arn": secret("database"),
        "security_group_id": "sg-0d",
    },
    "secrets": {
        "arns": {name: secret(name) for name in ("jwt", "api", "fernet", "admin")},
        "fernet_was_rotated": True,
    },
    "scheduler_policy_arn": POLICIES["scheduler"],
    "reader_policy_arn": POLICIES["reader"],
    "triggerer_policy_arn": POLICIES["triggerer"],
    "triggerer_task_policy_arns": {"athena": f"arn:aws:iam::{iam.ACCOUNT}:policy/athena"},
    "dags_policy_arns": {"dags": POLICIES["dags"]},
    "kms_key_arn": KEY,
    "cluster_arn": CLUSTER,
    "subnet_ids": ["subnet-0a", "subnet-0b"],
    "https": {"cidrs": ["0.0.0.0/0"], "prefix_lists": {}},
    "security_group_ids": {name: f"sg-0{position}" for position, name in enumerate(COMPONENTS)},
    "worker_security_group_id": "sg-0e",
    "registry_arn": PLACE.arn("servicediscovery", "service/srv-0"),
}

# Made by SSM's agent, which ECS puts into the task, and by no code of Airflow's or ours.
TUNNEL = {
    ("Tunnel", f"ssmmessages:{call}")
    for call in ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
}

# boto3's calls by component: the database's password for each connection, the administrator's for `prepare`.
DATABASE = ("get_secret_value", {"SecretId": secret("database")})
CALLS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "api": [DATABASE, ("get_secret_value", {"SecretId": secret("admin")})],
    "scheduler": [DATABASE],
    "dag-processor": [DATABASE],
    "triggerer": [DATABASE],
}

# What Airflow's S3DagBundle calls: it checks the bucket, lists it, and downloads what changed.
BUNDLE = [
    ("head_bucket", {"Bucket": DAGS_BUCKET}),
    ("list_objects", {"Bucket": DAGS_BUCKET}),
    ("head_object", {"Bucket": DAGS_BUCKET, "Key": "a.py"}),
    ("get_object", {"Bucket": DAGS_BUCKET, "Key": "a.py"}),
]


@dataclass(frozen=True)
class Component:
    """A component as Terraform made it.

    Args:
        containers: the containers of its task definition by name.
        inline: the policy of its task role.
        execution: the policy of its execution role.
        attached: a name of ours -> ARN of a further policy of its task role.
    """

    containers: Mapping[str, Any]
    inline: iam.Policy
    execution: iam.Policy
    attached: Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """What Terraform made.

    Args:
        components: by name.
        policies: the managed policies by name.
    """

    components: Mapping[str, Component]
    policies: Mapping[str, iam.Policy]

    def rights(self, component: str) -> iam.Policy:
        """Return all that a component may do, but for the users' own policies."""
        made = self.components[component]
        names = {arn: name for name, arn in POLICIES.items()}
        policy = made.inline
        for arn in made.attached.values():
            if arn in names:
                policy += self.policies[names[arn]]
        return policy


@pytest.fixture(scope="module")
def written(infrastructure: Path, run: Run) -> Written:
    """Return the control plane and the policies that its roles get."""
    dags = {"name": "airflow", "kms_key_arn": KEY}
    modules = {
        "control_plane": Module("control_plane", CONTROL_PLANE),
        "access": Module("scheduler_access", INPUTS),
        "dags": Module("dags", dags),
    }
    found = written_policies.resources(infrastructure, run, modules)
    access = found["access"]
    policies = {
        "scheduler": access["aws_iam_policy.scheduler"],
        "reader": access["aws_iam_policy.reader"],
        "triggerer": access['aws_iam_policy.triggerer["triggerer"]'],
        "dags": found["dags"]['aws_iam_policy.reader["dags"]'],
    }
    # A mocked bucket has an ARN of its own.
    bucket = f"arn:aws:s3:::{DAGS_BUCKET}"
    documents = {name: each["policy"].replace("arn:aws:s3:::mock", bucket) for name, each in policies.items()}
    components = {name: _component(name, found["control_plane"]) for name in COMPONENTS}
    return Written(components, {name: iam.Policy.parse(document) for name, document in documents.items()})


def _component(name: str, resources: Mapping[str, Mapping[str, Any]]) -> Component:
    path = "module.api." if name == "api" else f'module.component["{name}"].'
    own = {
        address.removeprefix(path): values
        for address, values in resources.items()
        if address.startswith(path)
    }
    definition = json.loads(own[f'aws_ecs_task_definition.component["{name}"]']["container_definitions"])
    return Component(
        {container["name"]: container for container in definition},
        iam.Policy.parse(own["aws_iam_role_policy.task"]["policy"]),
        iam.Policy.parse(own["aws_iam_role_policy.execution"]["policy"]),
        {
            address.split('"')[1]: values["policy_arn"]
            for address, values in own.items()
            if address.startswith("aws_iam_role_policy_attachment.task")
        },
    )


SECRETS = {
    "api": {"AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY"},
    "scheduler": {"AIRFLOW__API_AUTH__JWT_SECRET"},
    "dag-processor": set(),
    "triggerer": {"AIRFLOW__API__SECRET_KEY"},
}
FERNET = {"AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_FARGATE_PREVIOUS_FERNET_KEY"}


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_has_the_secrets_that_it_needs_and_no_others(name: str, written: Written) -> None:
    """Each has the Fernet keys; ECS may fetch exactly what the container names."""
    component = written.components[name]
    injected = {each["name"]: each["valueFrom"] for each in component.containers[name]["secrets"]}

    assert set(injected) == SECRETS[name] | FERNET
    fetched = next(each for each in component.execution.statements if each.sid == "FetchSecrets").resources
    assert set(fetched) == {":".join(arn.split(":")[:7]) for arn in injected.values()}


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_may_call_what_it_calls_and_nothing_else(name: str, written: Written) -> None:
    """Each call is allowed, and each permission of the role's own policy is used by a call."""
    component = written.components[name]
    place = Place("airflow", PLACE.roles, {"*": KEY})
    asked = [request for method, call in CALLS[name] for request in requests_of(place, method, call)]
    used = {(component.inline.allowing(request), request.action) for request in asked}

    assert None not in {sid for sid, _ in used}
    assert component.inline.grants - used == (TUNNEL if name == "api" else set())


def test_each_role_has_the_policies_of_its_work(written: Written) -> None:
    """The scheduler launches, the API server reads logs, the triggerer writes them and does tasks' calls."""
    attached = {name: set(component.attached.values()) for name, component in written.components.items()}

    assert attached == {
        "api": {POLICIES["reader"]},
        "scheduler": {POLICIES["scheduler"]},
        "dag-processor": {POLICIES["dags"]},
        "triggerer": {POLICIES["triggerer"], *CONTROL_PLANE["triggerer_task_policy_arns"].values()},  # type: ignore[attr-defined]
    }


def test_the_dag_bundle_needs_its_policy_and_no_more(written: Written) -> None:
    """The calls of Airflow's S3DagBundle are allowed, and use each permission."""
    place = Place("airflow", PLACE.roles, {"*": KEY})
    asked = [request for method, call in BUNDLE for request in requests_of(place, method, call)]
    used = {(written.policies["dags"].allowing(request), request.action) for request in asked}

    assert used == written.policies["dags"].grants


LAUNCH = [
    iam.Request("ecs:RunTask", PLACE.arn("ecs", "task-definition/worker:7"), IN_CLUSTER),
    iam.Request("iam:PassRole", PLACE.roles[0], TO_TASKS),
    iam.Request("ecs:StopTask", PLACE.arn("ecs", "task/airflow/0123"), IN_CLUSTER),
]
OTHERS = {
    "put a payload": iam.Request("s3:PutObject", "arn:aws:s3:::payloads/workloads/airflow/x.json"),
    "read a payload": iam.Request("s3:GetObject", "arn:aws:s3:::payloads/workloads/airflow/x.json"),
    "read an event": iam.Request("sqs:ReceiveMessage", PLACE.arn("sqs", "events")),
    "read a log": iam.Request("s3:GetObject", "arn:aws:s3:::logs/logs/x"),
    "write a log": iam.Request("s3:PutObject", "arn:aws:s3:::logs/logs/x"),
    "read a signing key": iam.Request("secretsmanager:GetSecretValue", secret("jwt")),
    "read the administrator": iam.Request("secretsmanager:GetSecretValue", secret("admin")),
}
ALLOWED = {
    "api": {"read a log", "read the administrator"},
    "scheduler": {"put a payload", "read an event"},
    "dag-processor": set(),
    "triggerer": {"read a log", "write a log"},
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_only_the_scheduler_launches_and_nobody_reads_what_is_not_theirs(name: str, written: Written) -> None:
    """The API server, the process on the network, can neither RunTask nor PassRole."""
    rights = written.rights(name)

    assert [rights.allowing(request) is not None for request in LAUNCH] == [name == "scheduler"] * len(LAUNCH)
    assert {what for what, request in OTHERS.items() if rights.allowing(request)} == ALLOWED[name]


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_hung_component_is_replaced_and_a_stopping_one_has_time(name: str, written: Written) -> None:
    """Health comes from the image's own command, and the first check counts after three minutes."""
    container = written.components[name].containers[name]
    alive = ["CMD", "airflow-fargate-control", "alive"]

    assert container["healthCheck"]["command"] == ([*alive, "api"] if name == "api" else alive)
    assert container["healthCheck"]["startPeriod"] == 180
    assert container["stopTimeout"] == (120 if name == "scheduler" else 60)
    assert container["command"] == (["api-server"] if name == "api" else [name])


def test_only_the_api_server_prepares_the_database_and_has_the_tunnel(written: Written) -> None:
    """The init container has the API server's environment and secrets, the tunnel has none."""
    containers = written.components["api"].containers
    others = [set(written.components[name].containers) for name in COMPONENTS if name != "api"]

    assert others == [{name} for name in COMPONENTS if name != "api"]
    assert set(containers) == {"api", "prepare", "tunnel"}
    assert containers["prepare"]["environment"] == containers["api"]["environment"]
    assert containers["prepare"]["secrets"] == containers["api"]["secrets"]
    assert containers["tunnel"]["secrets"] == containers["tunnel"]["environment"] == []
