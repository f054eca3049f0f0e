"""Pushes the worker image to the registry that Terraform's task definition names.

Usage: python3 worker_image/push.py [NAME=VALUE...], the names being

    IMAGE        the reference to push, with a tag; by default Terraform's output `image`
    TERRAFORM_DIR
                 the folder that Terraform is applied in; by default terraform/examples/complete
    SOURCE       the local image, when it has another name; by default IMAGE where it exists locally, else the
                 name that build.py gives
    PLATFORM     two platforms, or
    COMPRESSION  zstd: buildx builds and pushes such an image in one step, with build.py's other settings

An ECR reference is logged in to first, with the AWS credentials of the environment (boto3 or the aws
command). An image that the registry already holds is not pushed again. The digest is written to
worker_image/.digest and, if the reference is the one that Terraform's output names, to image.auto.tfvars.json
in TERRAFORM_DIR, together with its repository and tag: Terraform ignores the digest for any other repository.
Uses the standard library only, and boto3 for ECR.
"""

# ruff: noqa: INP001, S603, T201  a script that runs programs and prints

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the neighbours, whose bare names a library of that name could take

from worker_image import build, registry  # noqa: E402
from worker_image.build import BuildError  # noqa: E402

DIGEST_FILE = ROOT / "worker_image" / ".digest"
TERRAFORM_DIR = ROOT / "terraform" / "examples" / "complete"
TERRAFORM_FILE = "image.auto.tfvars.json"


def main() -> int:
    """Push; returns an exit code."""
    try:
        settings = build.read_settings(sys.argv[1:], (*build.SETTINGS, "SOURCE", "TERRAFORM_DIR"))
        folder = Path(settings.pop("TERRAFORM_DIR", "") or TERRAFORM_DIR)
        named = terraform_output(folder, "image")
        reference = settings.get("IMAGE") or named
        digest = push(reference, settings)
        print(record(reference, digest, folder if reference == named else None))
    except BuildError as error:
        sys.stderr.write(f"push: {error}\n")
        return 1
    return 0


def push(reference: str, settings: dict[str, str]) -> str:
    """Push an image unless the registry has it; returns its digest."""
    if not reference:
        raise BuildError(
            "Terraform has no output 'image' yet: apply terraform/examples/complete first, name the folder "
            "that you apply with TERRAFORM_DIR=FOLDER, or give IMAGE=REFERENCE."
        )
    if "@" in reference:
        raise BuildError(f"{reference} has a digest, which only the registry can assign: push under a tag.")
    if ":" not in reference.rpartition("/")[2]:
        raise BuildError(f"{reference} has no tag: add one, for example {reference}:v2.")
    if build.needs_registry(settings):
        return build_and_push(reference, settings)
    docker = shutil.which("docker")
    if docker is None:
        raise BuildError("there is no docker command: install Docker (Debian: apt-get install docker.io).")
    local = tag(docker, reference, settings)
    if registry.ECR.match(reference):
        registry.log_in(docker, reference)
    held = registry.held_by_registry(docker, reference)
    if held and held["image_id"] == local:
        _say(f"the registry already has {reference} with this content; nothing was pushed")
        return held["digest"]
    done = subprocess.run([docker, "push", reference], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode and held:
        raise taken(reference)
    pushed = re.search(r"digest: (sha256:[0-9a-f]{64})", done.stdout or "")
    if done.returncode or pushed is None:
        raise BuildError(f"the registry rejected {reference}: docker's lines above say why.")
    _say(f"pushed {reference}")
    return pushed[1]


def build_and_push(reference: str, settings: dict[str, str]) -> str:
    """Let buildx build directly into the registry what no engine can hold; returns the digest."""
    docker = build.find_engine()[0]
    if registry.ECR.match(reference):
        registry.log_in(docker, reference)
    wanted = build.inputs(settings)
    held = registry.index_held(docker, reference, build.INPUTS_LABEL)
    if held and held["label"] == wanted:
        _say(f"the registry already has {reference}, made of the same files; nothing was built or pushed")
        return held["digest"]
    if held:
        raise taken(reference)
    digest = build.build({**settings, "IMAGE": reference}, push=True)
    _say(f"pushed {reference}")
    return digest


def taken(reference: str) -> BuildError:
    """Return the error for a tag that holds something else."""
    return BuildError(
        f"{reference} already names another image, and the repository does not overwrite tags: "
        "choose a new tag (worker_image_tag in Terraform, then apply) and push again."
    )


def tag(docker: str, reference: str, settings: dict[str, str]) -> str:
    """Give the local image the reference's name; returns the image's id."""
    source = settings.get("SOURCE")
    candidates = [source] if source else [reference, build.default_image(settings)]
    for name in candidates:
        if found := image_id(name, docker):
            if name != reference and not _succeeds(docker, "tag", name, reference):
                raise BuildError(f"{reference} is not a valid image name: correct it.")
            return found
    if not _output(docker, "version", "--format", "{{.Server.Version}}"):
        raise BuildError("no container engine answers: start it, or set DOCKER_HOST to its address.")
    raise BuildError(f"the engine has no image {' or '.join(candidates)}: run make build first.")


def image_id(name: str, docker: str = "docker") -> str:
    """Return the id of an image that the engine holds; empty where it holds none of that name."""
    return _output(docker, "image", "inspect", "--format", "{{.Id}}", name)


def terraform_outputs(folder: Path) -> dict[str, Any]:
    """Return the outputs of the deployment in ``folder`` by name; none before it was applied."""
    program = os.environ.get("TERRAFORM") or shutil.which("terraform") or shutil.which("tofu")
    # Not -raw: without any outputs that prints a warning and exits 0.
    text = _output(program, f"-chdir={folder}", "output", "-json") if program and folder.is_dir() else ""
    return {name: each["value"] for name, each in json.loads(text or "{}").items()}


def terraform_output(folder: Path, name: str) -> str:
    """Return an output that is a text; empty before it was applied."""
    value = terraform_outputs(folder).get(name)
    return value if isinstance(value, str) else ""


def record(reference: str, digest: str, folder: Path | None) -> str:
    """Record the digest; returns the repository with the digest.

    Args:
        reference: repository and tag.
        digest: what the registry answered.
        folder: the deployment whose tasks run this image; None if they run another.
    """
    exact = f"{reference.rpartition(':')[0]}@{digest}"
    DIGEST_FILE.write_text(f"{exact}\n")
    if folder is not None:
        file = folder / TERRAFORM_FILE
        file.write_text(json.dumps({"pushed_image": f"{reference}@{digest}"}) + "\n")
        _say(f"{file} names it: after terraform apply, tasks run exactly this image")
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
