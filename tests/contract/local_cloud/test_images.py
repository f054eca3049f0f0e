"""The local cloud's ECR: what it says of images is what the registry behind it holds; the doctor asks it."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from airflow_fargate.airflow_versions import AIRFLOW_VERSION
from airflow_fargate.cli import image
from airflow_fargate.cli.session import Session
from airflow_fargate.settings.config import FargateConfig
from contract.local_cloud.worlds import client
from local_cloud.cloud import CloudOptions, LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME, HOST = "airflow/worker", "123456789012.dkr.ecr.us-east-1.amazonaws.com"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


class Registry(BaseHTTPRequestHandler):
    """Manifests and blobs of one repository, by the registry's HTTP API."""

    manifests: dict[str, bytes] = {}  # noqa: RUF012  the one server's
    blobs: dict[str, bytes] = {}  # noqa: RUF012  the same

    def do_GET(self) -> None:
        kind, _, reference = self.path.removeprefix(f"/v2/{NAME}/").partition("/")
        body = (self.manifests if kind == "manifests" else self.blobs).get(reference)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", MANIFEST_TYPE if kind == "manifests" else "application/octet-stream")
        self.send_header("Docker-Content-Digest", digest(body or b""))
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET  # noqa: N815  http.server's name

    def log_message(self, *_: Any) -> None:
        """Be silent."""


def digest(content: bytes) -> str:
    """Return the name that a registry gives a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def push(tag: str, **labels: str) -> None:
    """Put an image with these labels into the registry."""
    config = json.dumps({"config": {"Labels": labels}}).encode()
    parts = {"config": {"digest": digest(config), "size": len(config)}, "layers": [{"size": 1000}]}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, **parts}).encode()
    Registry.blobs[digest(config)] = config
    Registry.manifests |= {tag: manifest, digest(manifest): manifest}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A cloud with a registry, and the repository that Terraform would make."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    Thread(target=server.serve_forever, daemon=True).start()
    options = CloudOptions(engine="simulated", port=0, registry=f"127.0.0.1:{server.server_port}")
    with LocalCloud(options) as cloud:
        client(cloud.endpoint, "ecr").create_repository(repositoryName=NAME)
        yield cloud
    server.shutdown()
    server.server_close()


def told(cloud: LocalCloud, reference: str) -> list[tuple[bool | None, str]]:
    """Return what the doctor says of an image."""
    config = FargateConfig(
        cluster="c", task_definition="t", container_name="w", subnets=("s",), security_groups=("g",)
    )
    session = Session(config, lambda service: client(cloud.endpoint, service))
    return [(finding.ok, finding.message) for finding in image.image(session, f"{HOST}/{reference}")]


def test_the_doctor_reads_the_pushed_image_s_release(cloud: LocalCloud) -> None:
    """By tag and by digest, through ECR's own calls: manifest, configuration, label."""
    push("same", **{image.VERSION_LABEL: AIRFLOW_VERSION})
    same = f"The image and the scheduler both have Airflow {AIRFLOW_VERSION}."
    by_digest = f"{NAME}@{digest(Registry.manifests['same'])}"
    for reference in (f"{NAME}:same", by_digest):
        assert told(cloud, reference) == [(True, f"{HOST}/{reference} exists."), (True, same)]


def test_a_layer_is_where_the_call_was(cloud: LocalCloud) -> None:
    """A container reaches the cloud by another address than this machine does, and the registry by none."""
    push("layered", **{image.VERSION_LABEL: "1"})
    config = json.loads(Registry.manifests["layered"])["config"]["digest"]
    ecr = client(cloud.endpoint, "ecr")
    url = ecr.get_download_url_for_layer(repositoryName=NAME, layerDigest=config)["downloadUrl"]
    assert url.startswith(f"{cloud.endpoint}/")
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  loopback
        assert reply.read() == Registry.blobs[config]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url.replace("sha256:", "sha256:0"), timeout=10)  # noqa: S310  loopback


def test_the_doctor_tells_another_release_and_how_to_mend_it(cloud: LocalCloud) -> None:
    """Both releases, and the command that builds the one that fits."""
    push("other", **{image.VERSION_LABEL: "2.11.0"})
    ok, message = told(cloud, f"{NAME}:other")[1]
    assert ok is False
    assert f"The image has Airflow 2.11.0, the scheduler {AIRFLOW_VERSION}" in message
    assert f"`make build-push AIRFLOW={AIRFLOW_VERSION}`" in message


@pytest.mark.parametrize("reference", [f"{NAME}:never-pushed", "airflow/nobody:1"])
def test_what_was_not_pushed_is_not_there(cloud: LocalCloud, reference: str) -> None:
    """A tag that the registry has not, and a repository that ECR has not."""
    ((ok, message),) = told(cloud, reference)
    assert ok is False
    assert "does not exist" in message


def test_ecr_s_own_answers_for_what_is_not_there(cloud: LocalCloud) -> None:
    """BatchGetImage lists what it did not find, GetDownloadUrlForLayer refuses; the rest is still moto's."""
    ecr = client(cloud.endpoint, "ecr")
    answer = ecr.batch_get_image(repositoryName=NAME, imageIds=[{"imageTag": "never-pushed"}])
    assert answer["images"] == []
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageNotFound"]
    with pytest.raises(ClientError, match="LayersNotFoundException"):
        ecr.get_download_url_for_layer(repositoryName=NAME, layerDigest=digest(b"never pushed"))
    assert [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]] == [NAME]


def test_an_image_s_size_is_that_of_its_parts(cloud: LocalCloud) -> None:
    """DescribeImages: digest, media type and size."""
    push("sized")
    (found,) = client(cloud.endpoint, "ecr").describe_images(
        repositoryName=NAME, imageIds=[{"imageTag": "sized"}]
    )["imageDetails"]
    manifest = Registry.manifests["sized"]
    assert found["imageDigest"] == digest(manifest)
    assert found["imageSizeInBytes"] == 1000 + json.loads(manifest)["config"]["size"]
