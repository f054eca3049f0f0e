"""`make destroy`: no launches, then no tasks, and only then terraform destroy."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from contract.local_cloud.worlds import SimulatedWorld
from local_cloud import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from terraform.conftest import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "terraform"))
destroy: Any = importlib.import_module("destroy")

REGION = "us-east-1"
PATHS = Config(s3={"addressing_style": "path"})
STATEMENTS: list[dict[str, Any]] = [
    {"Sid": "Launch", "Effect": "Allow", "Action": "ecs:RunTask", "Resource": "*"},
    {"Sid": "Pass", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
    {"Sid": "Follow", "Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": "*"},
]


class World(SimulatedWorld):
    """A deployment with simulated tasks, on a clock that waiting moves; all but ECS is moto's."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0.0
        """Until when the network interfaces of stopped tasks are held."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": STATEMENTS})
        made = self.client("iam").create_policy(PolicyName="scheduler", PolicyDocument=policy)["Policy"]
        for bucket in ("payloads", "logs"):
            self.client("s3").create_bucket(Bucket=bucket)
        self.client("ecr").create_repository(repositoryName="airflow/worker")
        self.outputs: dict[str, Any] = {
            "cluster_arn": self.cluster,
            "force_destroy": False,
            "payload_bucket": "payloads",
            "log_bucket": "logs",
            "repository_url": "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow/worker",
            "scheduler_policy_arn": made["Arn"],
            "security_group_ids": ["sg-0aaa"],
            "cluster_name": "airflow",
            "task_definition_arn": self.register("airflow-worker"),
        }
        self.update_service: Any = None
        self.deployment = destroy.Deployment(self.outputs, self.client, self.clock.now, self.wait)

    def client(self, service: str) -> Any:
        """Return ECS of the simulation, EC2 that holds interfaces for a while, and moto's other services."""
        if service == "ec2":
            return self
        return self if service == "ecs" else boto3.client(service, region_name=REGION, config=PATHS)

    def __getattr__(self, name: str) -> Any:
        """Return a call of ECS: the simulation's, or moto's for task definitions."""
        if name.startswith("_"):
            raise AttributeError(name)
        simulated = self.__dict__["ecs"]
        return getattr(
            simulated if hasattr(simulated, name) else boto3.client("ecs", region_name=REGION), name
        )

    def describe_network_interfaces(self, **_: Any) -> dict[str, Any]:
        """Return an interface as long as one is held."""
        left = self.clock.now() < self.held
        return {"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}] if left else []}

    def register(self, family: str) -> str:
        """Register a revision of a task definition; return its ARN."""
        container = {"name": "worker", "image": "x", "memory": 512}
        made = boto3.client("ecs", region_name=REGION).register_task_definition(
            family=family, containerDefinitions=[container]
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def allowed(self) -> list[str]:
        """Return the statements of the scheduler's policy as it is."""
        iam, arn = self.client("iam"), self.outputs["scheduler_policy_arn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return [each["Sid"] for each in document["Statement"]]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a deployment."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    with mock_aws():
        yield World()


def test_the_scheduler_may_launch_no_more_and_still_stop(world: World) -> None:
    """RunTask and PassRole go, the rest stays; a second time changes nothing."""
    world.deployment.stop_launching()
    world.deployment.stop_launching()

    assert world.allowed() == ["Follow"]
    versions = world.client("iam").list_policy_versions(PolicyArn=world.outputs["scheduler_policy_arn"])
    assert len(versions["Versions"]) == 2


def test_a_policy_with_five_versions_gets_another(world: World) -> None:
    """IAM keeps five; the oldest that is not the default makes room."""
    for number in range(4):
        statements = [{**STATEMENTS[0], "Sid": f"V{number}"}]
        world.client("iam").create_policy_version(
            PolicyArn=world.outputs["scheduler_policy_arn"],
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [*statements, STATEMENTS[2]]}),
            SetAsDefault=True,
        )

    world.deployment.stop_launching()

    assert world.allowed() == ["Follow"]


def test_running_tasks_are_stopped_and_their_interfaces_waited_for(world: World) -> None:
    """It comes back only when nothing holds the cluster, the security group and the subnets."""
    tasks = [world.start(behaviour=Behaviour(run=100_000)) for _ in range(3)]
    for task in tasks:
        world.until(task, "RUNNING")
    world.held = world.clock.now() + 120

    world.deployment.empty(0)

    assert world.deployment.tasks() == []
    assert {world.ended(task)["stopCode"] for task in tasks} == {"UserInitiated"}
    assert world.clock.now() >= world.held


def test_tasks_may_end_by_themselves_first(world: World) -> None:
    """With DRAIN, a task that ends in time is not stopped."""
    task = world.start(behaviour=Behaviour(run=300))

    world.deployment.empty(3600)

    assert world.ended(task)["stopCode"] == "EssentialContainerExited"


def test_what_never_goes_away_is_named(world: World) -> None:
    """After ten minutes it gives up, says what is left and what to do, and nothing is destroyed."""
    world.held = float("inf")

    with pytest.raises(destroy.DestroyError, match=r"after 600 s there are still eni-1.*stop the scheduler"):
        world.deployment.empty(0)


def test_full_buckets_are_told_before_anything_is_touched(world: World) -> None:
    """Without force_destroy, destroy would fail half-way over them."""
    world.client("s3").put_object(Bucket="logs", Key="logs/x", Body=b"")

    with pytest.raises(destroy.DestroyError, match=r"not empty: logs\. .*apply force_destroy = true first"):
        world.deployment.check_that_destroy_can_succeed()

    world.outputs["force_destroy"] = True
    world.deployment.check_that_destroy_can_succeed()


@pytest.fixture
def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Return what Terraform was called with; it destroys only an empty cluster in which nobody may launch."""
    calls: list[tuple[str, ...]] = []

    def terraform(folder: Path, *arguments: str, capture: bool = False) -> str:
        calls.append((folder.name, *arguments))
        if arguments[0] == "destroy":
            assert world.deployment.tasks() == []
            assert world.allowed() == ["Follow"]
        assert capture == (arguments[0] == "output")
        return json.dumps({name: {"value": value} for name, value in world.outputs.items()})

    monkeypatch.setattr(destroy, "terraform", terraform)
    monkeypatch.setattr(destroy, "deployment_of", lambda _: world.deployment)
    return calls


def test_the_order_is_launches_tasks_terraform(
    world: World, calls: list[tuple[str, ...]], tmp_path: Path
) -> None:
    """Terraform's destroy comes last, when the cluster is empty and nobody may launch."""
    task = world.start(behaviour=Behaviour(run=100_000))
    world.until(task, "RUNNING")

    assert destroy.main([f"TERRAFORM_DIR={tmp_path}", "AUTO_APPROVE=1"]) == 0

    assert [call[1:] for call in calls] == [("output", "-json"), ("destroy", "-auto-approve")]


def test_the_name_must_be_typed_before_anything_changes(
    world: World,
    calls: list[tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another answer ends it, and the scheduler may still launch."""
    monkeypatch.setattr("builtins.input", lambda _: "yes")

    assert destroy.main([f"TERRAFORM_DIR={tmp_path}"]) == 1

    assert "the deployment is named 'airflow', got 'yes'" in capsys.readouterr().err
    assert world.allowed() == ["Launch", "Pass", "Follow"]
    assert [call[1] for call in calls] == ["output"]


def test_the_name_can_be_given_for_a_pipeline(
    world: World, calls: list[tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CONFIRM replaces the question; a wrong name changes nothing."""
    assert destroy.main([f"TERRAFORM_DIR={tmp_path}", "CONFIRM=airflwo"]) == 1
    assert "got 'airflwo'" in capsys.readouterr().err
    assert world.allowed() == ["Launch", "Pass", "Follow"]

    assert destroy.main([f"TERRAFORM_DIR={tmp_path}", "CONFIRM=airflow"]) == 0
    assert calls[-1][1] == "destroy"


def test_half_a_deployment_is_destroyed_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a `make up` that failed half-way, an apply fails again; the destroy does not depend on it."""
    called: list[str] = []

    def terraform(_folder: Path, *arguments: str, capture: bool = False) -> str:
        called.append(arguments[0])
        if arguments[0] == "apply":
            raise destroy.DestroyError("terraform apply failed: quota.")
        return json.dumps({name: {"value": value} for name, value in world.outputs.items()}) * capture

    world.outputs["control_repository_url"] = "x"
    monkeypatch.setattr(destroy, "terraform", terraform)
    monkeypatch.setattr(destroy, "deployment_of", lambda _: world.deployment)

    assert destroy.main([f"TERRAFORM_DIR={tmp_path}", "AUTO_APPROVE=1"]) == 0
    assert called == ["output", "apply", "destroy"]
    assert "quota. Continuing" in capsys.readouterr().out


@pytest.mark.parametrize("snapshot", ["1", "0"])
def test_the_complete_deployment_goes_with_what_it_holds(
    snapshot: str,
    world: World,
    calls: list[tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The typed name is enough to delete images and logs; SNAPSHOT=0 keeps no snapshot."""
    counts: dict[str, int] = {}
    images = tmp_path / "images.auto.tfvars.json"
    images.write_text("{}", encoding="utf-8")
    world.outputs |= {"control_repository_url": "x", "service_names": {"api": "api", "triggerer": None}}
    world.client("s3").put_object(Bucket="logs", Key="logs/x", Body=b"")
    monkeypatch.setattr("builtins.input", lambda _: "airflow")
    world.update_service = lambda **call: counts.update({call["service"]: call["desiredCount"]})

    assert destroy.main([f"TERRAFORM_DIR={tmp_path}", f"SNAPSHOT={snapshot}"]) == 0

    assert counts == {"api": 0}
    assert not images.exists(), "the next deployment would start with images that are gone"
    assert calls[1][1:6] == (
        "apply",
        "-auto-approve",
        "-var=force_destroy=true",
        "-var=database_deletion_protection=false",
        f"-var=database_final_snapshot={'true' if snapshot == '1' else 'false'}",
    )
    assert calls[2][1] == "destroy"


def test_the_revisions_that_terraform_leaves_are_deleted(world: World) -> None:
    """All revisions of the deployment's families go, and another family with a longer name stays."""
    world.register("airflow-worker")
    world.register("airflow-worker-gpu")
    boto3.client("ecs", region_name=REGION).deregister_task_definition(taskDefinition="airflow-worker:1")
    world.outputs["component_task_definition_arns"] = {
        "api": world.register("airflow-api"),
        "triggerer": None,
    }

    world.deployment.delete_definitions()

    left = boto3.client("ecs", region_name=REGION).list_task_definitions(status="ACTIVE")[
        "taskDefinitionArns"
    ]
    assert [arn.rpartition("/")[2] for arn in left] == ["airflow-worker-gpu:1"]


@pytest.mark.parametrize("argument", ["DRIAN=5", "DRAIN=soon", "SNAPSHOT=no"])
def test_a_wrong_argument_is_one_sentence(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asked of Terraform or AWS."""
    assert destroy.main([argument]) == 1
    assert capsys.readouterr().err.startswith("destroy: ")
