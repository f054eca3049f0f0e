"""``airflow fargate doctor`` on the image: is it there, and is its Airflow the scheduler's?"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_fargate.airflow_versions import AIRFLOW_VERSION
from airflow_fargate.cli import image
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import FargateConfig
from aws_model import modelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_fargate.cli.findings import Finding

REFERENCE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/airflow/worker:1"
CONFIG_DIGEST, IMAGE_DIGEST = f"sha256:{'c' * 64}", f"sha256:{'a' * 64}"
MANIFEST = {"schemaVersion": 2, "config": {"digest": CONFIG_DIGEST}}
INDEX = {
    "schemaVersion": 2,
    "manifests": [
        {"digest": f"sha256:{'b' * 64}", "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": IMAGE_DIGEST, "platform": {"os": "linux", "architecture": "amd64"}},
    ],
}


class AnswerError(Exception):
    """An error as boto3 raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": code}}


class Ecr:
    """A repository with one image, by tag and by digest."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.meta = SimpleNamespace(endpoint_url=url.rpartition("/")[0])
        self.tagged: dict[str, Any] = MANIFEST
        self.errors: dict[str, str] = {}

    def _check(self, call: str) -> None:
        if call in self.errors:
            raise AnswerError(self.errors[call])

    def describe_images(self, **_: Any) -> dict[str, Any]:
        self._check("describe_images")
        return {"imageDetails": []}

    def batch_get_image(self, *, imageIds: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803  boto3's
        self._check("batch_get_image")
        (asked,) = imageIds
        found = {"1": self.tagged, IMAGE_DIGEST: MANIFEST}.get(asked.get("imageTag") or asked["imageDigest"])
        if found is None:
            return {"images": [], "failures": [{"failureReason": "Requested image not found"}]}
        return {"images": [{"imageManifest": json.dumps(found)}]}

    def get_download_url_for_layer(self, *, layerDigest: str, **_: Any) -> dict[str, Any]:  # noqa: N803  boto3's
        assert layerDigest == CONFIG_DIGEST
        return {"downloadUrl": self.url}


@pytest.fixture
def labels() -> dict[str, str]:
    """Return the labels of the image; a test may change them."""
    return {image.VERSION_LABEL: AIRFLOW_VERSION}


@pytest.fixture
def ecr(labels: dict[str, str]) -> Iterator[Ecr]:
    """Return the repository; a local server has the image's configuration."""

    class Layers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"config": {"Labels": labels}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Layers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Ecr(f"http://127.0.0.1:{server.server_port}/config")
        server.shutdown()


def look(ecr: Ecr, reference: str = REFERENCE) -> list[Finding]:
    """Return the doctor's findings about an image."""
    config = FargateConfig(
        cluster="airflow", task_definition="worker", container_name="worker", subnets=("subnet-1",)
    )
    return list(image.image(Session(config, lambda _: modelled("ecr", ecr)), reference))


@pytest.mark.parametrize("tagged", [MANIFEST, INDEX], ids=["one architecture", "several"])
def test_an_image_with_the_same_airflow_passes(ecr: Ecr, tagged: dict[str, Any]) -> None:
    """The version comes from the image's label, also behind an index with attestations."""
    ecr.tagged = tagged
    there, version = look(ecr)
    assert (there.ok, version.ok) == (True, True)
    assert AIRFLOW_VERSION in version.message


def test_another_airflow_fails_with_the_command_to_run(ecr: Ecr, labels: dict[str, str]) -> None:
    """The message has the version and the build argument."""
    labels[image.VERSION_LABEL] = "2.9.9"
    version = look(ecr)[1]
    assert version.ok is False
    assert "Airflow 2.9.9" in version.message
    assert f"make build-push AIRFLOW={AIRFLOW_VERSION}" in version.message


def test_an_image_without_the_label_is_inconclusive(ecr: Ecr, labels: dict[str, str]) -> None:
    """Other people's images may lack the label."""
    labels.clear()
    version = look(ecr)[1]
    assert version.ok is None
    assert image.VERSION_LABEL in version.message


@pytest.mark.parametrize(
    ("errors", "fact"),
    [
        ({"batch_get_image": "AccessDeniedException"}, "no permission"),
        ({"batch_get_image": "ServerException"}, "ServerException"),
    ],
)
def test_a_label_that_cannot_be_read_is_inconclusive(ecr: Ecr, errors: dict[str, str], fact: str) -> None:
    """The version is unknown, and the message has the reason."""
    ecr.errors = errors
    there, version = look(ecr)
    assert (there.ok, version.ok) == (True, None)
    assert fact in version.message


def test_a_broken_index_and_a_wrong_address_are_inconclusive(ecr: Ecr) -> None:
    """The message has ECR's text, and only HTTPS addresses are read."""
    ecr.tagged = {"manifests": [{"digest": f"sha256:{'d' * 64}"}]}
    assert "Requested image not found" in look(ecr)[1].message
    ecr.tagged, ecr.url = MANIFEST, "file:///etc/passwd"
    assert "without HTTPS: file:///etc/passwd" in look(ecr)[1].message
    ecr.url = "http://127.0.0.1:1/config"
    assert "without HTTPS: http://127.0.0.1:1/config" in look(ecr)[1].message


def test_a_missing_image_fails_once(ecr: Ecr) -> None:
    """Its version is not checked."""
    ecr.errors = {"describe_images": "ImageNotFoundException"}
    (finding,) = look(ecr)
    assert finding.ok is False
    assert "make build-push" in finding.message


def test_an_image_in_another_registry_is_inconclusive(ecr: Ecr) -> None:
    """Only ECR can be asked."""
    (finding,) = look(ecr, "docker.io/apache/airflow:3.3.2")
    assert finding.ok is None


def test_another_error_of_ecr_is_not_a_missing_image(ecr: Ecr) -> None:
    """The check lets it through, and the doctor reports the missing permission."""
    ecr.errors = {"describe_images": "AccessDeniedException"}
    with pytest.raises(AnswerError):
        look(ecr)
