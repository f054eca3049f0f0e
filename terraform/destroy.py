"""Destroy a deployment in the order that works while tasks run.

Usage: python3 terraform/destroy.py [NAME=VALUE...] with these names:

    TERRAFORM_DIR  the folder that was applied; terraform/examples/complete by default
    DRAIN          seconds in which running tasks may end by themselves; 0 by default
    SNAPSHOT       0: keep no final snapshot of the database (terraform/airflow_on_ecs)
    CONFIRM        the deployment's name, for a pipeline; without it, a person is asked to type the name
    AUTO_APPROVE   1: ask nothing

`terraform destroy` alone fails half-way while tasks run: a cluster with tasks and capacity providers in use
cannot be deleted, and the tasks' network interfaces hold the security groups and the subnets. By then the
scheduler's policy is deleted, so nothing stops the tasks either. The order here:

1. Ask for the deployment's name. In terraform/airflow_on_ecs, typing it also allows the deletion of what
   buckets and repositories hold; elsewhere they must be empty, or force_destroy must be applied.
2. Take RunTask out of the scheduler's policy. The scheduler may still follow and stop tasks.
3. Let tasks drain, set the services' desired counts to 0, and stop the rest. Wait until the cluster has no
   tasks and their network interfaces are gone.
4. terraform destroy.
5. Delete the revisions of task definitions that Terraform leaves for rollbacks, and the record of the pushed
   images. KMS keeps the deleted key for some days; `make up` with the same name works at once.

Needs boto3 and Terraform. If it is interrupted, run it again.
"""

# ruff: noqa: INP001, S603, T201  a script that runs programs and prints

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parent
SETTINGS = {
    "TERRAFORM_DIR": str(ROOT / "examples" / "complete"),
    "DRAIN": "0",
    "SNAPSHOT": "1",
    "CONFIRM": "",
    "AUTO_APPROVE": "",
}
# The modules of terraform/airflow_on_ecs that hold data, and must be allowed to delete it before a destroy.
HOLDING = ("airflow.module.storage", "airflow.module.registry", "control_registry", "dags", "database")
LAUNCHING = {"ecs:RunTask", "iam:PassRole"}
IMAGES = "images.auto.tfvars.json"
REASON = "The deployment is being destroyed."
EMPTY_SECONDS = 600
POLL_SECONDS = 5
DELETED_AT_ONCE = 10
MOST_VERSIONS = 5
"""A managed policy has at most five versions."""


class DestroyError(Exception):
    """The deployment cannot be destroyed now; the text says why and what to do."""


@dataclass
class Deployment:
    """A deployment that was applied.

    Args:
        outputs: Terraform's outputs by name.
        client: returns a boto3 client of a service.
        now: seconds on a clock that only goes forward.
        sleep: waits for some seconds.
    """

    outputs: Mapping[str, Any]
    client: Callable[[str], Any]
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def is_airflow_on_ecs(self) -> bool:
        """Tell whether this is the root of the complete deployment, where Airflow itself runs on ECS."""
        return "control_repository_url" in self.outputs

    def check_that_destroy_can_succeed(self) -> None:
        """Raise if destroy would fail over what buckets and repository hold.

        Raises:
            DestroyError: something is not empty, and force_destroy is not applied.
        """
        if self.outputs["force_destroy"] or self.is_airflow_on_ecs:
            return
        s3, ecr = self.client("s3"), self.client("ecr")
        full = [
            bucket
            for bucket in (self.outputs["payload_bucket"], self.outputs["log_bucket"])
            if s3.list_objects_v2(Bucket=bucket, MaxKeys=1).get("KeyCount")
        ]
        repository = self.outputs["repository_url"].partition("/")[2]
        if ecr.list_images(repositoryName=repository).get("imageIds"):
            full.append(repository)
        if full:
            raise DestroyError(
                f"not empty: {', '.join(full)}. If nothing in there is needed, apply force_destroy = true "
                "first; it deletes logs and images together with the deployment."
            )

    def stop_launching(self) -> None:
        """Make a version of the scheduler's policy the default that allows no launch."""
        iam, arn = self.client("iam"), self.outputs["scheduler_policy_arn"]
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        default = next(each["VersionId"] for each in versions if each["IsDefaultVersion"])
        document = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"]
        kept = [each for each in document["Statement"] if not LAUNCHING & set(_listed(each["Action"]))]
        if kept == document["Statement"]:
            return
        if len(versions) >= MOST_VERSIONS:
            others = [each for each in versions if not each["IsDefaultVersion"]]
            oldest = min(others, key=lambda each: each["CreateDate"])
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps({**document, "Statement": kept}), SetAsDefault=True
        )

    def tasks(self) -> list[str]:
        """Return the ARNs of all tasks of the cluster that have not stopped, those of services included."""
        return self._listed("list_tasks", "taskArns", cluster=self.outputs["cluster_arn"])

    def airflow_tasks(self) -> list[str]:
        """Return the ARNs of the tasks that the scheduler launched: those of no service."""
        cluster = self.outputs["cluster_arn"]
        of_services = [
            arn
            for name in self.services()
            for arn in self._listed("list_tasks", "taskArns", cluster=cluster, serviceName=name)
        ]
        return [arn for arn in self.tasks() if arn not in of_services]

    def services(self) -> list[str]:
        """Return the names of the services of Airflow's components; none where Airflow runs elsewhere."""
        return [name for name in self.outputs.get("service_names", {}).values() if name]

    def _listed(self, method: str, key: str, **request: Any) -> list[str]:
        """Return a list of ECS, all of its pages."""
        call, arns = getattr(self.client("ecs"), method), []
        page: dict[str, Any] = {"nextToken": ""}
        while (token := page.get("nextToken")) is not None:
            page = call(**request, **({"nextToken": token} if token else {}))
            arns += page[key]
        return arns

    def interfaces(self) -> list[str]:
        """Return the network interfaces that still use a security group of the containers."""
        groups = [
            *self.outputs["security_group_ids"],
            *self.outputs.get("component_security_group_ids", {}).values(),
        ]
        filters = [{"Name": "group-id", "Values": groups}]
        found = self.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return [each["NetworkInterfaceId"] for each in found]

    def empty(self, drain_seconds: float) -> None:
        """Wait for tasks to end, stop services and tasks, and wait until nothing of them is left.

        Raises:
            DestroyError: tasks or their network interfaces remain.
        """
        drained = self.now() + drain_seconds
        while self.airflow_tasks() and self.now() < drained:
            self.sleep(POLL_SECONDS)
        cluster = self.outputs["cluster_arn"]
        for name in self.services():
            self.client("ecs").update_service(cluster=cluster, service=name, desiredCount=0)
        given_up = self.now() + EMPTY_SECONDS
        ordered: set[str] = set()
        while (left := self.tasks()) or self.interfaces():
            if self.now() >= given_up:
                names = ", ".join(left or self.interfaces())
                raise DestroyError(
                    f"after {EMPTY_SECONDS} s there are still {names}. If new tasks keep starting, another "
                    "policy of their scheduler allows RunTask: stop the scheduler, and run this again."
                )
            for arn in left:
                if arn not in ordered:
                    self.client("ecs").stop_task(cluster=cluster, task=arn, reason=REASON)
                    ordered.add(arn)
            self.sleep(POLL_SECONDS)

    def delete_definitions(self) -> None:
        """Deregister and delete every revision of the deployment's task definitions.

        They cost nothing, so an error of AWS is only printed.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415  boto3 is imported late

        try:
            self._delete_definitions()
        except ClientError as error:
            print(f"Some revisions of task definitions are left, which cost nothing: {error}")

    def _delete_definitions(self) -> None:
        ecs = self.client("ecs")
        definitions = [
            *self.outputs.get("component_task_definition_arns", {}).values(),
            self.outputs["task_definition_arn"],
        ]
        for family in sorted({arn.rpartition("/")[2].partition(":")[0] for arn in definitions if arn}):
            for status in ("ACTIVE", "INACTIVE"):
                # A familyPrefix is a whole family name, in spite of its name.
                own = self._listed(
                    "list_task_definitions", "taskDefinitionArns", familyPrefix=family, status=status
                )
                for arn in own if status == "ACTIVE" else ():
                    ecs.deregister_task_definition(taskDefinition=arn)
                for start in range(0, len(own), DELETED_AT_ONCE):
                    ecs.delete_task_definitions(taskDefinitions=own[start : start + DELETED_AT_ONCE])


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def allow_deletion(folder: Path, *, snapshot: bool) -> None:
    """Allow the deletion of what holds data, and set whether the database keeps a snapshot.

    After a `make up` that failed half-way this may fail again; the destroy works without it.
    """
    targets = [f"-target=module.{name}" for name in HOLDING]
    values = {
        "force_destroy": "true",
        "database_deletion_protection": "false",
        "database_final_snapshot": str(snapshot).lower(),
    }
    given = [f"-var={name}={value}" for name, value in values.items()]
    try:
        terraform(folder, "apply", "-auto-approve", *given, *targets)
    except DestroyError as error:
        print(f"{error} Continuing with the destroy.", flush=True)


def ask_for(name: str, given: str, *, snapshot: bool) -> None:
    """Ask for the deployment's name.

    Args:
        name: the name.
        given: the setting CONFIRM, in place of an answer.
        snapshot: whether a snapshot of Airflow's database is kept.

    Raises:
        DestroyError: another name was typed.
    """
    if snapshot:
        print(
            f"A last snapshot of the database is kept. Its connections are encrypted with the secret "
            f"{name}/fernet-..., which is deleted: copy its value first if you may need them."
        )
    typed = given or input(f"This deletes {name} with all its data. Type its name to continue: ").strip()
    if typed != name:
        raise DestroyError(f"the deployment is named {name!r}, got {typed!r}. Nothing was changed.")


def terraform(folder: Path, *arguments: str, capture: bool = False) -> str:
    """Run Terraform in a folder, and return what it printed if ``capture`` is set.

    Raises:
        DestroyError: it is not installed, or it failed.
    """
    program = os.environ.get("TERRAFORM") or shutil.which("terraform") or shutil.which("tofu")
    if not program:
        raise DestroyError("terraform is not installed.")
    command = [program, f"-chdir={folder}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)
    if done.returncode:
        raise DestroyError(f"terraform {arguments[0]} failed: its lines above say why.")
    return done.stdout or ""


def read_settings(arguments: list[str]) -> dict[str, str]:
    """Return the settings from NAME=VALUE arguments, else the environment's, else the defaults.

    Raises:
        DestroyError: a name is not known, or DRAIN is no number.
    """
    settings = {name: os.environ.get(name) or default for name, default in SETTINGS.items()}
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if not separator or name not in SETTINGS:
            raise DestroyError(f"unknown argument {argument!r}: give {', '.join(SETTINGS)} as NAME=VALUE.")
        settings[name] = value or settings[name]
    if not settings["DRAIN"].isdecimal():
        raise DestroyError(f"DRAIN must be a number of seconds, got {settings['DRAIN']!r}.")
    settings["AUTO_APPROVE"] = settings["AUTO_APPROVE"] or "0"
    for name in ("SNAPSHOT", "AUTO_APPROVE"):
        if settings[name] not in ("0", "1"):
            raise DestroyError(f"{name} must be 0 or 1, got {settings[name]!r}.")
    if not Path(settings["TERRAFORM_DIR"]).is_dir():
        raise DestroyError(
            f"TERRAFORM_DIR={settings['TERRAFORM_DIR']} is not a folder: name the one that you applied."
        )
    return settings


def deployment_of(outputs: Mapping[str, Any]) -> Deployment:
    """Return the deployment with these outputs, with real clients."""
    import boto3  # noqa: PLC0415  settings and Terraform are checked first

    return Deployment(outputs, lambda service: boto3.client(service, region_name=outputs["region"]))


def main(arguments: list[str]) -> int:
    """Destroy; returns an exit code."""
    try:
        settings = read_settings(arguments)
        folder = Path(settings["TERRAFORM_DIR"])
        outputs = {
            name: each["value"]
            for name, each in json.loads(terraform(folder, "output", "-json", capture=True)).items()
        }
        if not outputs and not (folder / os.environ.get("TF_DATA_DIR", ".terraform")).is_dir():
            raise DestroyError(  # noqa: TRY301  a check like others
                f"nothing was applied in {folder}: name the folder that was with TERRAFORM_DIR=FOLDER."
            )
        deployment = deployment_of(outputs) if outputs else None
        snapshot, asks_nothing = settings["SNAPSHOT"] == "1", settings["AUTO_APPROVE"] == "1"
        if deployment:
            deployment.check_that_destroy_can_succeed()
            if not asks_nothing:
                kept = deployment.is_airflow_on_ecs and snapshot
                ask_for(outputs["cluster_name"], settings["CONFIRM"], snapshot=kept)
            print("no new launches: RunTask is taken out of the scheduler's policy", flush=True)
            deployment.stop_launching()
            if deployment.is_airflow_on_ecs:
                allow_deletion(folder, snapshot=snapshot)
            print(f"waiting until the cluster {outputs['cluster_name']} has no tasks", flush=True)
            deployment.empty(float(settings["DRAIN"]))
        # Without outputs, an apply failed early, and Terraform itself asks.
        unasked = ["-auto-approve"] if deployment or asks_nothing else []
        terraform(folder, "destroy", *unasked)
        if deployment:
            deployment.delete_definitions()
        # It names images that are gone: a new deployment of this folder pushes its own.
        (folder / IMAGES).unlink(missing_ok=True)
        if outputs.get("final_snapshot") and snapshot:
            print(f"The database's last snapshot is {outputs['final_snapshot']}.")
    except DestroyError as error:
        sys.stderr.write(f"destroy: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
