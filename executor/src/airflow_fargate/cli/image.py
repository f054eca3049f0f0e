"""Does the worker image exist, and is its Airflow the scheduler's? Asks ECR, and pulls nothing."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

from airflow_fargate.airflow_versions import AIRFLOW_VERSION
from airflow_fargate.cli.findings import Finding, error_code, failed, inconclusive, is_denied, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.cli.session import Session

VERSION_LABEL = "airflow-fargate.airflow-version"
"""The label that worker_image/Dockerfile gives the image."""
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/(?P<name>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_MEDIA_TYPES = [
    f"application/vnd.{kind}"
    for kind in (
        "docker.distribution.manifest.v2+json",
        "docker.distribution.manifest.list.v2+json",
        "oci.image.manifest.v1+json",
        "oci.image.index.v1+json",
    )
]
_FETCH_SECONDS = 10.0


def image(session: Session, reference: str) -> Iterator[Finding]:
    """Find an image, and compare its Airflow with the scheduler's.

    Args:
        session: configuration and clients.
        reference: the image of the task definition.
    """
    found = _ECR.fullmatch(reference)
    if found is None:
        yield inconclusive("image", f"{reference} is not in ECR, so its existence was not checked.")
        return
    wanted: Any = (
        {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
    )
    place: dict[str, Any] = {"registryId": found["account"], "repositoryName": found["name"]}
    try:
        session.clients("ecr").describe_images(**place, imageIds=[wanted])
    except Exception as error:
        if error_code(error) not in ("ImageNotFoundException", "RepositoryNotFoundException"):
            raise
        yield failed("image", f"{reference} does not exist. Build and push it with `make build-push`.")
        return
    yield passed("image", f"{reference} exists.")
    yield _versions(session, place, wanted)


def _versions(session: Session, place: dict[str, str], wanted: dict[str, str]) -> Finding:
    about = "Airflow version"
    try:
        theirs = _labels(session.clients("ecr"), place, wanted).get(VERSION_LABEL, "")
    except Exception as error:  # noqa: BLE001  the image may be right all the same
        why = "no permission" if is_denied(error) else f"{type(error).__name__}: {error}"
        return inconclusive(
            about, f"The image's version could not be read ({why}). The scheduler runs {AIRFLOW_VERSION}."
        )
    if not theirs:
        return inconclusive(
            about, f"The image has no label {VERSION_LABEL}. The scheduler runs {AIRFLOW_VERSION}."
        )
    if theirs != AIRFLOW_VERSION:
        return failed(
            about,
            f"The image has Airflow {theirs}, the scheduler {AIRFLOW_VERSION}: build the image again with "
            f"`make build-push AIRFLOW={AIRFLOW_VERSION}`, or install Airflow {theirs} here.",
        )
    return passed(about, f"The image and the scheduler both have Airflow {theirs}.")


def _labels(ecr: Any, place: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """Return the image's labels; of its first architecture if it has several."""
    manifest = _manifest(ecr, place, wanted)
    if entries := manifest.get("manifests"):
        # An index may also list attestations, whose platform is unknown.
        real = [each for each in entries if (each.get("platform") or {}).get("os", "linux") != "unknown"]
        manifest = _manifest(ecr, place, {"imageDigest": (real or entries)[0]["digest"]})
    answer = ecr.get_download_url_for_layer(**place, layerDigest=manifest["config"]["digest"])
    url = str(answer["downloadUrl"])
    # Plain HTTP is allowed only if ECR's own endpoint uses it: a simulated AWS.
    if not url.startswith(("https://", f"{ecr.meta.endpoint_url}/")):
        raise ValueError(f"ECR returned an address without HTTPS: {url}")
    with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as reply:  # noqa: S310  checked above
        document = json.load(reply)
    return dict((document.get("config") or {}).get("Labels") or {})


def _manifest(ecr: Any, place: dict[str, str], wanted: dict[str, str]) -> dict[str, Any]:
    answer = ecr.batch_get_image(**place, imageIds=[wanted], acceptedMediaTypes=_MEDIA_TYPES)
    if not answer.get("images"):
        failures = answer.get("failures") or [{}]
        raise LookupError(failures[0].get("failureReason") or "ECR returned no manifest")
    return dict(json.loads(answer["images"][0]["imageManifest"]))
