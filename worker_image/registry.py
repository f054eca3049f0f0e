"""What a container registry holds, and how to log in to ECR.

Uses the standard library only, and boto3 for ECR.
"""

# ruff: noqa: INP001, S603  beside scripts; programs by their path

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from typing import Any

from worker_image.build import BuildError

ECR = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


def is_local(reference: str) -> bool:
    """Return whether a reference names a registry on this machine, which speaks HTTP."""
    return reference.startswith(("127.0.0.1:", "localhost:"))


def held_by_registry(docker: str, reference: str) -> dict[str, str]:
    """Return digest and image id of what the registry holds under a reference; empty if there is nothing."""
    options = ["--insecure"] if is_local(reference) else []
    text = _output(docker, "manifest", "inspect", "--verbose", *options, reference)
    try:
        manifest = json.loads(text)
        image = manifest.get("SchemaV2Manifest") or manifest["OCIManifest"]
        return {"digest": manifest["Descriptor"]["digest"], "image_id": image["config"]["digest"]}
    except (ValueError, KeyError, AttributeError):
        return {}  # nothing there, or an index of several platforms: pushing answers it


def index_held(docker: str, reference: str, label: str) -> dict[str, str]:
    """Return digest and a label of what the registry holds, with buildx; empty if there is nothing.

    Of several platforms the first one's label counts: they were built together.
    """
    text = _output(docker, "buildx", "imagetools", "inspect", "--format", "{{json .}}", reference)
    try:
        document = json.loads(text)
        return {"digest": document["manifest"]["digest"], "label": _label(document["image"], label)}
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}


def _label(images: Any, name: str) -> str:
    image = images if "config" in images else next(iter(images.values()))
    return str(image["config"].get("Labels", {}).get(name, ""))


def log_in(docker: str, reference: str) -> None:
    """Log in to the ECR registry of a reference; the password goes through standard input."""
    match = ECR.match(reference)
    if match is None:
        raise BuildError(f"{reference} is not an ECR reference.")
    registry, region = reference.partition("/")[0], match["region"]
    command = [docker, "login", "--username", "AWS", "--password-stdin", registry]
    done = subprocess.run(command, input=ecr_password(region), text=True, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it did not say why"]
        raise BuildError(f"docker could not log in to {registry}: {said[-1]}")


def ecr_password(region: str) -> str:
    """Return ECR's password for this region: from boto3 if it is installed, else from the aws command."""
    try:
        import boto3  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        password = (
            _output("aws", "ecr", "get-login-password", "--region", region) if shutil.which("aws") else ""
        )
        if not password:
            raise BuildError(
                "ECR gave no password: install boto3 or the aws command, and give it credentials."
            ) from None
        return password
    try:
        answer = boto3.client("ecr", region_name=region).get_authorization_token()
    except (BotoCoreError, ClientError) as error:
        raise BuildError(f"ECR gave no password: {error}") from error
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    return token.partition(":")[2]


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
