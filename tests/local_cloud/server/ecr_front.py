"""ECR's questions about images, answered from the registry that holds them; the repositories are moto's.

Images are pushed to that registry, as to ECR's own, and not through ECR's API: moto never learns of them.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from moto.ecr.models import ecr_backends

from local_cloud.errors import AwsError
from local_cloud.fast_json import decode, encode
from local_cloud.server.application import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable

    Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

TARGET = b"AmazonEC2ContainerRegistry_V20150921."
JSON_1_1 = (b"content-type", b"application/x-amz-json-1.1")
ACCEPTED = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "oci.image.index.v1",
    )
)
PATIENCE = 10  # seconds


class EcrFront:
    """Answers what is asked about images; for everything else `call` returns None.

    registry: where the images are, as 127.0.0.1:5000.
    """

    def __init__(self, registry: str, account: str) -> None:
        self._registry = registry
        self._account = account
        self._answers: dict[bytes, Callable[[str, dict[str, Any], str], dict[str, Any]]] = {
            TARGET + b"DescribeImages": self._describe_images,
            TARGET + b"BatchGetImage": self._batch_get_image,
            TARGET + b"GetDownloadUrlForLayer": self._download_url,
        }

    async def call(self, target: bytes, body: bytes, region: str, host: str) -> Reply | None:
        """Answer a request that came to ``host``; raises AwsError for what ECR refuses."""
        answer = self._answers.get(target)
        if answer is None:
            return None
        asked = decode(body)
        if target.endswith(b"DescribeImages") and not asked.get("imageIds"):
            return None
        self._check_repository(asked["repositoryName"], region)
        return 200, [JSON_1_1], encode(await asyncio.to_thread(answer, asked["repositoryName"], asked, host))

    async def layer(self, path: str) -> Reply:
        """Answer a GET of a layer's address."""
        name, _, digest = path.removeprefix(LAYERS).rpartition("/")
        found = await asyncio.to_thread(self._get, self._blob(name, digest), "GET")
        return (404, [], b"") if found is None else (200, [], found[1])

    def _blob(self, name: str, digest: str) -> str:
        return f"http://{self._registry}/v2/{name}/blobs/{digest}"

    def _check_repository(self, name: str, region: str) -> None:
        if name not in ecr_backends[self._account][region].repositories:
            raise AwsError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{self._account}'",
            )

    def _describe_images(self, name: str, asked: dict[str, Any], _host: str) -> dict[str, Any]:
        details = []
        for wanted in asked["imageIds"]:
            found = self._manifest(name, wanted)
            if found is None:
                raise AwsError(
                    "ImageNotFoundException",
                    f"The image with imageId {json.dumps(wanted)} does not exist within the repository with "
                    f"name '{name}' in the registry with id '{self._account}'",
                )
            digest, media_type, text = found
            manifest = json.loads(text)
            parts = [*manifest.get("layers", ()), *filter(None, [manifest.get("config")])]
            details.append(
                {
                    "registryId": self._account,
                    "repositoryName": name,
                    "imageDigest": digest,
                    "imageTags": [wanted["imageTag"]] if "imageTag" in wanted else [],
                    "imageSizeInBytes": sum(part["size"] for part in parts),
                    "imageManifestMediaType": media_type,
                }
            )
        return {"imageDetails": details}

    def _batch_get_image(self, name: str, asked: dict[str, Any], _host: str) -> dict[str, Any]:
        images, failures = [], []
        for wanted in asked["imageIds"]:
            found = self._manifest(name, wanted)
            if found is None:
                reason = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
                failures.append({"imageId": wanted, **reason})
                continue
            digest, media_type, text = found
            images.append(
                {
                    "registryId": self._account,
                    "repositoryName": name,
                    "imageId": {**wanted, "imageDigest": digest},
                    "imageManifest": text,
                    "imageManifestMediaType": media_type,
                }
            )
        return {"images": images, "failures": failures}

    def _download_url(self, name: str, asked: dict[str, Any], host: str) -> dict[str, Any]:
        digest = asked["layerDigest"]
        if self._get(self._blob(name, digest), "HEAD") is None:
            raise AwsError(
                "LayersNotFoundException",
                f"The layer with digest '{digest}' does not exist in the repository with name '{name}'",
            )
        # ECR returns an S3 URL, which the caller can reach. This is the same for a caller in a container.
        return {"downloadUrl": f"http://{host}{LAYERS}{name}/{digest}", "layerDigest": digest}

    def _manifest(self, name: str, wanted: dict[str, str]) -> tuple[str, str, str] | None:
        """Return an image's digest, media type and manifest; None when the registry has no such image."""
        reference = wanted.get("imageDigest") or wanted["imageTag"]
        found = self._get(f"http://{self._registry}/v2/{name}/manifests/{reference}", "GET")
        if found is None:
            return None
        headers, text = found
        return headers["docker-content-digest"], headers["content-type"], text.decode()

    def _get(self, url: str, method: str) -> tuple[Any, bytes] | None:
        """Return the headers and the body at an address of the registry; None when there is nothing."""
        request = urllib.request.Request(url, headers={"Accept": ACCEPTED}, method=method)  # noqa: S310  ours
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310  loopback
                return reply.headers, reply.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
