"""Takes a deployment away in the order that works while tasks run: launches, tasks, then terraform destroy.

Usage: python3 terraform/destroy.py [NAME=VALUE...], the names being

    TERRAFORM_DIR  the folder that was applied; by default terraform/examples/complete
    DRAIN          seconds to let running tasks end by themselves before they are stopped; by default 0
    AUTO_APPROVE   1: terraform destroy asks nothing

`terraform destroy` alone fails half-way while tasks run: a cluster with tasks and capacity providers in use
cannot be deleted, and the tasks' network interfaces hold the security group and the subnets. By then the
scheduler's policy is gone, so nobody stops the tasks either. The order here:

1. Check that destroy can succeed: buckets and repository are empty, or force_destroy is applied.
2. Take RunTask out of the scheduler's policy. It may still follow and stop tasks.
3. Stop the tasks, and wait until the cluster has none and their network interfaces are gone.
4. terraform destroy.

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
SETTINGS = {"TERRAFORM_DIR": str(ROOT / "examples" / "complete"), "DRAIN": "0", "AUTO_APPROVE": ""}
LAUNCHING = {"ecs:RunTask", "iam:PassRole"}
REASON = "The deployment is being destroyed."
EMPTY_SECONDS = 600
POLL_SECONDS = 5
MOST_VERSIONS = 5
"""A managed policy has at most five versions."""


class DestroyError(Exception):
    """The deployment cannot be destroyed now; the text says why and what to do."""


@dataclass
class Deployment:
    """What was applied.

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

    def check_that_destroy_can_succeed(self) -> None:
        """Raise if destroy would fail over what buckets and repository hold.

        Raises:
            DestroyError: something is not empty, and force_destroy is not applied.
        """
        if self.outputs["force_destroy"]:
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
        """Return the ARNs of all tasks of the cluster that have not stopped."""
        ecs, arns = self.client("ecs"), []
        page: dict[str, Any] = {"nextToken": ""}
        while (token := page.get("nextToken")) is not None:
            more = {"nextToken": token} if token else {}
            page = ecs.list_tasks(cluster=self.outputs["cluster_arn"], **more)
            arns += page["taskArns"]
        return arns

    def interfaces(self) -> list[str]:
        """Return the network interfaces that still use the tasks' security group."""
        filters = [{"Name": "group-id", "Values": self.outputs["security_group_ids"]}]
        found = self.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return [each["NetworkInterfaceId"] for each in found]

    def empty(self, drain_seconds: float) -> None:
        """Wait for tasks to end, stop the rest, and wait until nothing of them is left.

        Raises:
            DestroyError: tasks or their network interfaces remain.
        """
        drained = self.now() + drain_seconds
        while self.tasks() and self.now() < drained:
            self.sleep(POLL_SECONDS)
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
                    self.client("ecs").stop_task(cluster=self.outputs["cluster_arn"], task=arn, reason=REASON)
                    ordered.add(arn)
            self.sleep(POLL_SECONDS)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def terraform(folder: Path, *arguments: str, capture: bool = False) -> str:
    """Run Terraform in a folder; returns what it printed if ``capture``.

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
            raise DestroyError(f"{argument!r} is not understood: give {', '.join(SETTINGS)} as NAME=VALUE.")
        settings[name] = value or settings[name]
    if not settings["DRAIN"].isdecimal():
        raise DestroyError(f"DRAIN must be a number of seconds, got {settings['DRAIN']!r}.")
    return settings


def main(arguments: list[str]) -> int:
    """Destroy; returns an exit code."""
    try:
        settings = read_settings(arguments)
        folder = Path(settings["TERRAFORM_DIR"])
        outputs = {
            name: each["value"]
            for name, each in json.loads(terraform(folder, "output", "-json", capture=True)).items()
        }
        if outputs:
            import boto3  # noqa: PLC0415  settings and Terraform are checked first

            region = outputs["region"]
            deployment = Deployment(outputs, lambda service: boto3.client(service, region_name=region))
            deployment.check_that_destroy_can_succeed()
            print("no new launches: RunTask is taken out of the scheduler's policy", flush=True)
            deployment.stop_launching()
            print(f"waiting until the cluster {outputs['cluster_name']} has no tasks", flush=True)
            deployment.empty(float(settings["DRAIN"]))
        terraform(folder, "destroy", *(["-auto-approve"] if settings["AUTO_APPROVE"] else []))
    except DestroyError as error:
        sys.stderr.write(f"destroy: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
