"""Pushes the worker image to ECR or any other registry.

Usage: python3 worker_image/push.py [NAME=VALUE...], the names being

    IMAGE    the reference to push to; by default Terraform's output `image`, which the task definition runs
    SOURCE   the local image, when it has another name; by default IMAGE where it exists locally, else the
             name that build.py gives

An ECR reference is logged in to first, with the AWS credentials of the environment (boto3 or the aws
command). What the registry already holds is not pushed again. The digest is written to worker_image/.digest.
Standard library alone, but for boto3 where ECR asks for it.
"""

# ruff: noqa: INP001, S603, T201  a script that runs programs and prints

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the neighbour, whose bare name a library of that name could take

from worker_image.build import BuildError, default_image, read_settings  # noqa: E402

DIGEST_FILE = ROOT / "worker_image" / ".digest"
ECR = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


def main() -> int:
    """Push; returns an exit code."""
    try:
        settings = read_settings(sys.argv[1:], ("IMAGE", "SOURCE"))
        reference = settings.get("IMAGE") or terraform_output("image")
        print(push(reference, settings.get("SOURCE")))
    except BuildError as error:
        sys.stderr.write(f"push: {error}\n")
        return 1
    return 0


def push(reference: str, source: str | None) -> str:
    """Push an image unless the registry has it; returns its reference by digest."""
    if ":" not in reference.rpartition("/")[2]:
        raise BuildError(f"{reference} has no tag: an image is pushed under a tag of its own.")
    docker = shutil.which("docker")
    if docker is None:
        raise BuildError("there is no docker command: install Docker (Debian: apt-get install docker.io).")
    image_id = tag(docker, reference, source)
    if ECR.match(reference):
        log_in(docker, reference)
    held = held_by_registry(docker, reference)
    if held and held["image_id"] == image_id:
        _say(f"{reference} is there already with this content: nothing was pushed")
        return record(reference, held["digest"])
    done = subprocess.run([docker, "push", reference], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode and held:
        raise BuildError(
            f"{reference} is taken by another image, and the repository keeps tags as they are: "
            "choose a new tag (worker.image_tag in Terraform, then apply) and push again."
        )
    pushed = re.search(r"digest: (sha256:[0-9a-f]{64})", done.stdout or "")
    if done.returncode or pushed is None:
        raise BuildError(f"the registry did not take {reference}: docker's line above says why.")
    _say(f"pushed {reference}")
    return record(reference, pushed[1])


def tag(docker: str, reference: str, source: str | None) -> str:
    """Give the local image the reference's name; returns the image's id."""
    candidates = [source] if source else [reference, default_image({})]
    for name in candidates:
        image_id = _output(docker, "image", "inspect", "--format", "{{.Id}}", name)
        if image_id:
            if name != reference and not _succeeds(docker, "tag", name, reference):
                raise BuildError(f"{reference} is not a name that the engine takes.")
            return image_id
    if not _output(docker, "version", "--format", "{{.Server.Version}}"):
        raise BuildError("no container engine answers: start it, or set DOCKER_HOST to its address.")
    raise BuildError(f"the engine holds no image {' or '.join(candidates)}: run make build first.")


def held_by_registry(docker: str, reference: str) -> dict[str, str]:
    """Return digest and image id of what the registry holds under a reference; empty when nothing."""
    local = reference.startswith(("127.0.0.1:", "localhost:"))
    options = ["--insecure"] if local else []
    text = _output(docker, "manifest", "inspect", "--verbose", *options, reference)
    try:
        manifest = json.loads(text)
        image = manifest.get("SchemaV2Manifest") or manifest["OCIManifest"]
        return {"digest": manifest["Descriptor"]["digest"], "image_id": image["config"]["digest"]}
    except (ValueError, KeyError, AttributeError):
        return {}  # nothing there, or an index of several platforms: pushing answers it


def log_in(docker: str, reference: str) -> None:
    """Log in to the ECR registry of a reference; the password goes through standard input."""
    match = ECR.match(reference)
    if match is None:
        raise BuildError(f"{reference} is no ECR reference.")
    registry, region = reference.partition("/")[0], match["region"]
    command = [docker, "login", "--username", "AWS", "--password-stdin", registry]
    done = subprocess.run(command, input=ecr_password(region), text=True, capture_output=True, check=False)
    if done.returncode:
        raise BuildError(f"docker could not log in to {registry}: {done.stderr.strip().splitlines()[-1]}")


def ecr_password(region: str) -> str:
    """Return ECR's password for this region: by boto3 where it is installed, else by the aws command."""
    try:
        import boto3  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        password = (
            _output("aws", "ecr", "get-login-password", "--region", region) if shutil.which("aws") else ""
        )
        if not password:
            raise BuildError(
                "no ECR password could be had: install boto3 or the aws command, and give it credentials."
            ) from None
        return password
    try:
        answer = boto3.client("ecr", region_name=region).get_authorization_token()
    except (BotoCoreError, ClientError) as error:
        raise BuildError(f"ECR gave no password: {error}") from error
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    return token.partition(":")[2]


def terraform_output(name: str) -> str:
    """Return an output of terraform/, which must be applied."""
    program = os.environ.get("TERRAFORM") or shutil.which("terraform") or shutil.which("tofu")
    # Not -raw: without any outputs that prints a warning and exits 0.
    text = _output(program, f"-chdir={ROOT / 'terraform'}", "output", "-json") if program else ""
    value = json.loads(text or "{}").get(name, {}).get("value")
    if not isinstance(value, str):
        raise BuildError(
            f"Terraform has no output {name!r} yet: apply terraform/ first, or give IMAGE=REFERENCE."
        )
    return value


def record(reference: str, digest: str) -> str:
    """Write the digest down; returns the reference by digest."""
    exact = f"{reference.rpartition(':')[0]}@{digest}"
    DIGEST_FILE.write_text(f"{exact}\n")
    return exact


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
