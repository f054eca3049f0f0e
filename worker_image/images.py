"""Builds and pushes the images of a deployment: `make build-push`.

Usage: python3 worker_image/images.py [NAME=VALUE...], the names being those of build.py, and

    TERRAFORM_DIR  the folder that Terraform is applied in; by default terraform/airflow_on_ecs, and
                   terraform/examples/complete where only that one is applied
    REGISTRY       where to push instead of to the repositories' own registry, for a local cloud
    BUILD_ONLY     X86_64 or ARM64: build both images for it, and push nothing; `make up` does so beside
                   Terraform's first apply

The complete deployment (terraform/airflow_on_ecs) runs two images of one Airflow release. Both are built with
the same settings and pushed under a tag made of the release and the image's content. After both pushes they
are recorded together in images.auto.tfvars.json, which the next `terraform apply` reads, so that one image of
a new release never runs beside another of the old. A deployment beside your own Airflow has the worker image
alone, which push.py pushes.
Uses the standard library only, and boto3 for ECR.
"""

# ruff: noqa: INP001  a script

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the neighbours, whose bare names a library of that name could take

from worker_image import build, push  # noqa: E402
from worker_image.build import BuildError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPLETE = ROOT / "terraform" / "airflow_on_ecs"
RECORD = "images.auto.tfvars.json"
SETTINGS = (*(name for name in build.SETTINGS if name not in ("KIND", "IMAGE")), "TERRAFORM_DIR", "REGISTRY")
ALONE = ("IMAGE", "SOURCE", "BUILD_ONLY")
"""Further settings of the script."""
PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
TAG_LENGTH = 12


def main() -> int:
    """Build and push; returns an exit code."""
    try:
        settings = build.read_settings(sys.argv[1:], (*SETTINGS, *ALONE))
        if architecture := settings.get("BUILD_ONLY"):
            build_both(settings, architecture)
            return 0
        folder = deployment_folder(settings.get("TERRAFORM_DIR", ""))
        outputs = push.terraform_outputs(folder)
        if "control_repository_url" in outputs:
            build_and_push(settings, outputs, folder)
            return 0
    except BuildError as error:
        sys.stderr.write(f"build-push: {error}\n")
        return 1
    # Both read the settings that they know from the environment.
    os.environ.update(settings)
    del sys.argv[1:]
    return build.main() or push.main()


def deployment_folder(named: str = "") -> Path:
    """Return the folder of the deployment that is meant.

    Raises:
        BuildError: both kinds of deployment are applied, and none is named.
    """
    if named:
        return Path(named)
    applied = [folder for folder in (COMPLETE, push.TERRAFORM_DIR) if push.terraform_outputs(folder)]
    if len(applied) > 1:
        names = " or ".join(str(folder.relative_to(ROOT)) for folder in applied)
        raise BuildError(f"two deployments are applied here: say which by TERRAFORM_DIR={names}.")
    return applied[0] if applied else COMPLETE


def build_both(settings: Mapping[str, str], architecture: str) -> None:
    """Build both images without a push, so that `build_and_push` finds every layer in the engine's cache.

    Args:
        settings: those of build.py.
        architecture: X86_64 or ARM64.

    Raises:
        BuildError: an image cannot be built.
    """
    if architecture not in PLATFORMS:
        raise BuildError(f"BUILD_ONLY must be {' or '.join(PLATFORMS)}, got {architecture!r}.")
    chosen = _chosen(settings, architecture)
    if not build.needs_registry(chosen):
        for kind in build.KINDS:
            build.build({**chosen, "KIND": kind})


def _chosen(settings: Mapping[str, str], architecture: str) -> dict[str, str]:
    chosen = {name: value for name, value in settings.items() if name in build.SETTINGS}
    return chosen | platform(chosen, architecture)


def build_and_push(settings: Mapping[str, str], outputs: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Build and push both images of the complete deployment, and record them as one pair.

    Args:
        settings: those of build.py.
        outputs: Terraform's.
        folder: where the record goes.

    Returns:
        The record: the Airflow release, and each image as REPOSITORY:TAG@DIGEST.

    Raises:
        BuildError: an image cannot be built or pushed; the record stays as it was.
    """
    chosen = _chosen(settings, str(outputs.get("architecture") or ""))
    airflow = build.build_arguments({**chosen, "KIND": "control"})["AIRFLOW_VERSION"]
    record = {"airflow": airflow}
    for kind in build.KINDS:
        repository = str(outputs[f"{kind}_repository_url"])
        made = {**chosen, "KIND": kind}
        registry = settings.get("REGISTRY")
        target = f"{registry}/{repository.partition('/')[2]}" if registry else repository
        tag, digest = build_and_push_one(made, target, airflow)
        record[kind] = f"{repository}:{tag}@{digest}"
    write_record(folder / RECORD, record)
    return record


def build_and_push_one(settings: dict[str, str], repository: str, airflow: str) -> tuple[str, str]:
    """Build an image and push it under a tag of its content; returns the tag and the digest."""
    if build.needs_registry(settings):
        tag = f"{airflow}-{build.inputs(settings)[:TAG_LENGTH]}"
        return tag, push.push(f"{repository}:{tag}", settings)
    local = build.build(settings)
    image_id = push.image_id(local)
    tag = f"{airflow}-{image_id.removeprefix('sha256:')[:TAG_LENGTH]}"
    return tag, push.push(f"{repository}:{tag}", {"SOURCE": local})


def platform(settings: Mapping[str, str], architecture: str) -> dict[str, str]:
    """Return the PLATFORM that the deployment's architecture needs; nothing where it is the engine's own."""
    wanted = PLATFORMS.get(architecture)
    if wanted is None or settings.get("PLATFORM"):
        return {}
    docker = build.find_engine()[0]
    command = [docker, "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return {} if done.stdout.strip() == wanted else {"PLATFORM": wanted}


def write_record(file: Path, record: Mapping[str, str]) -> None:
    """Write the pair down in one step: whoever reads the file finds the old pair or the new one."""
    scratch = file.with_suffix(".part")
    scratch.write_text(json.dumps({"images": record}, indent=2) + "\n", encoding="utf-8")
    scratch.replace(file)
    sys.stderr.write(f"{file} names both images: after terraform apply, they run\n")


if __name__ == "__main__":
    sys.exit(main())
