"""What moto lacks of RDS, Cloud Map and Auto Scaling for a second plan without changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from contract.local_cloud.worlds import NUMBERS, client, error_code
from local_cloud import Behaviour
from local_cloud.databases.parameters import force_ssl, max_connections, settings

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

KNOWN = frozenset({"work_mem", "ssl", "shared_preload_libraries", "shared_buffers", "max_connections"})


@pytest.fixture
def rds(simulated_cloud: LocalCloud) -> Any:
    """RDS of the session's cloud."""
    return client(simulated_cloud.endpoint, "rds")


def create(rds: Any, **more: Any) -> dict[str, Any]:
    """Make a DB instance of its own whose password RDS manages."""
    request = {
        "DBInstanceIdentifier": f"db{next(NUMBERS)}",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "EngineVersion": "16.4",
        "MasterUsername": "airflow",
        "ManageMasterUserPassword": True,
        "AllocatedStorage": 20,
        **more,
    }
    return dict(rds.create_db_instance(**request)["DBInstance"])


def test_every_database_has_a_resource_id_and_a_password_of_its_own(
    simulated_cloud: LocalCloud, rds: Any
) -> None:
    """Terraform finds an instance by DbiResourceId; the secret has the master user's name."""
    first, second = create(rds), create(rds)
    assert first["DbiResourceId"] != second["DbiResourceId"]
    chosen = [{"Name": "dbi-resource-id", "Values": [second["DbiResourceId"]]}]
    found = rds.describe_db_instances(Filters=chosen)["DBInstances"]
    assert [item["DBInstanceIdentifier"] for item in found] == [second["DBInstanceIdentifier"]]
    values = [value_of(simulated_cloud, item["MasterUserSecret"]["SecretArn"]) for item in (first, second)]
    assert {value["username"] for value in values} == {"airflow"}
    assert values[0]["password"] != values[1]["password"]
    assert not set("/@\"' ") & set(values[0]["password"])


def test_a_rotation_keeps_the_password_before_as_previous(simulated_cloud: LocalCloud, rds: Any) -> None:
    """By RotateSecret and by ModifyDBInstance; without a server there is no gap."""
    secrets = client(simulated_cloud.endpoint, "secretsmanager")
    instance = create(rds)
    arn, name = instance["MasterUserSecret"]["SecretArn"], instance["DBInstanceIdentifier"]
    for rotate in (
        lambda: secrets.rotate_secret(SecretId=arn),
        lambda: rds.modify_db_instance(
            DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True
        ),
    ):
        before = value_of(simulated_cloud, arn)
        rotate()
        assert value_of(simulated_cloud, arn) != before
        assert value_of(simulated_cloud, arn, "AWSPREVIOUS") == before


def value_of(cloud: LocalCloud, arn: str, stage: str = "AWSCURRENT") -> dict[str, str]:
    """A secret's value."""
    secrets = client(cloud.endpoint, "secretsmanager")
    answer = secrets.get_secret_value(SecretId=arn, VersionStage=stage)
    return dict(json.loads(answer["SecretString"]))


def test_a_parameter_group_says_which_parameters_the_user_set(rds: Any) -> None:
    """Without the source, Terraform would set them again with every plan."""
    group, wanted = f"g{next(NUMBERS)}", {"ParameterName": "rds.force_ssl", "ParameterValue": "1"}
    rds.create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres16", Description="a"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName=group, Parameters=[{**wanted, "ApplyMethod": "pending-reboot"}]
    )
    found = rds.describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    assert [(item["Source"], item["ApplyMethod"]) for item in found] == [("user", "pending-reboot")]
    assert wanted.items() <= found[0].items()
    defaults = rds.describe_db_parameters(DBParameterGroupName=group, Source="engine-default")
    assert defaults["Parameters"] == []


def test_a_group_becomes_settings_that_postgresql_knows() -> None:
    """RDS's own names, formulas and what the cloud sets itself are left out; missing libraries, too."""
    given = [
        {"ParameterName": name, "ParameterValue": value}
        for name, value in (
            ("work_mem", "8192"),
            ("ssl", "0"),
            ("rds.log_retention_period", "1440"),
            ("shared_buffers", "{DBInstanceClassMemory/32768}"),
            ("shared_preload_libraries", "pg_stat_statements, pgaudit"),
        )
    ]
    assert settings(given, "db.t4g.micro", KNOWN, frozenset({"pg_stat_statements"})) == {
        "max_connections": "78",
        "shared_buffers": "128MB",
        "work_mem": "8192",
        "shared_preload_libraries": "pg_stat_statements",
    }


def test_connections_are_limited_by_the_class_and_tls_is_forced_by_default() -> None:
    """As RDS's default parameter groups."""
    assert max_connections("db.t4g.micro") < max_connections("db.t4g.medium") < 400
    assert max_connections("db.r6g.16xlarge") <= 5000
    assert force_ssl([])
    assert not force_ssl([{"ParameterName": "rds.force_ssl", "ParameterValue": "0"}])


def test_a_scalable_target_is_of_a_service_and_has_tags(
    simulated_cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """Terraform asks for the tags after it has made one; they can be changed."""
    scaling = client(simulated_cloud.endpoint, "application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{request_for['cluster']}/api",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 2,
        "Tags": {"a": "1", "b": "2"},
    }
    assert error_code(scaling.register_scalable_target, **target) == "ValidationException"
    client(simulated_cloud.endpoint, "ecs").create_service(serviceName="api", desiredCount=0, **request_for)
    arn = scaling.register_scalable_target(**target)["ScalableTargetARN"]
    scaling.tag_resource(ResourceARN=arn, Tags={"c": "3"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "2", "c": "3"}
    unknown = arn + "0"
    assert error_code(scaling.list_tags_for_resource, ResourceARN=unknown) == "ValidationException"


def test_a_queue_keeps_its_policy_and_returns_policies_as_written(simulated_cloud: LocalCloud) -> None:
    """SetQueueAttributes changes only what it names; Terraform compares both policies on its next plan."""
    sqs = client(simulated_cloud.endpoint, "sqs")
    dead = sqs.create_queue(QueueName=f"dead{next(NUMBERS)}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    redrive = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":100}}'
    url = sqs.create_queue(QueueName=f"events{next(NUMBERS)}", Attributes={"Policy": json.dumps(policy)})[
        "QueueUrl"
    ]

    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive})

    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (json.loads(found["Policy"]), found["RedrivePolicy"]) == (policy, redrive)


def test_a_session_starts_only_with_a_running_container_of_ecs_exec(
    cloud: LocalCloud, request_for: dict[str, Any]
) -> None:
    """As `make open` asks SSM: cluster, task and runtime id, and the task must allow it."""
    ecs, ssm = client(cloud.endpoint, "ecs"), client(cloud.endpoint, "ssm")
    cloud.engine.default = Behaviour(provisioning=0, pending=0, run=None)  # type: ignore[attr-defined]
    targets = []
    for enabled in (True, False):
        (launched,) = ecs.run_task(**request_for, enableExecuteCommand=enabled)["tasks"]
        ask = {"cluster": request_for["cluster"], "tasks": [launched["taskArn"]]}
        ecs.get_waiter("tasks_running").wait(**ask, WaiterConfig={"Delay": 1})
        (task,) = ecs.describe_tasks(**ask)["tasks"]
        runtime = task["containers"][0]["runtimeId"]
        targets.append(f"ecs:{request_for['cluster']}_{task['taskArn'].rpartition('/')[2]}_{runtime}")
    session = {"DocumentName": "AWS-StartPortForwardingSession", "Parameters": {"portNumber": ["8080"]}}
    assert ssm.start_session(Target=targets[0], **session)["StreamUrl"].startswith("wss://")
    for target in (targets[1], f"{targets[0]}-0"):
        assert error_code(ssm.start_session, Target=target, **session) == "TargetNotConnected"
