"""Pushing to a registry on loopback, with a small image in place of the worker's."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import urllib.request
from types import SimpleNamespace

import pytest

import needs
from smoke.engine import DEFAULT_SOCKET
from smoke.image_registry import CONFIGURATION, answers
from smoke.settings import free_port
from worker_image import push
from worker_image.build import BuildError, find_engine

pytestmark = pytest.mark.engine

ACCEPT = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def registry(tmp_path):
    """A registry's address: Debian's docker-registry, serving a folder of its own."""
    program = shutil.which("docker-registry", path=os.pathsep.join([os.environ["PATH"], "/usr/bin"]))
    if program is None:
        pytest.skip("needs docker-registry: apt-get install docker-registry")
    port = free_port()
    file = tmp_path / "registry.yml"
    file.write_text(CONFIGURATION.format(folder=tmp_path / "registry", port=port))
    address = f"127.0.0.1:{port}"
    with subprocess.Popen(
        [program, "serve", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as own:
        deadline = time.monotonic() + 60
        while not answers(f"http://{address}/v2/"):
            assert own.poll() is None, "the registry ended"
            assert time.monotonic() < deadline, "the registry never answered"
            time.sleep(0.05)
        yield address
        own.terminate()


@pytest.fixture
def small(registry):
    """A small image that the engine holds, under a name of that registry; and how to make it anew."""
    try:
        client = find_engine()[0]
    except BuildError as error:
        needs.engine_failed(error)
    reference = f"{registry}/worker:v1"

    def make(content):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            entry = tarfile.TarInfo("file")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        subprocess.run([client, "import", "-", reference], input=packed.getvalue(), check=True)

    make(b"one" * 1000)
    yield SimpleNamespace(client=client, reference=reference, make=make)
    subprocess.run([client, "image", "rm", "--force", reference], check=False, capture_output=True)


def manifest(reference):
    """Return digest and manifest that the registry itself gives for a reference."""
    address, _, rest = reference.partition("/")
    name, _, tag = rest.partition(":")
    asked = urllib.request.Request(f"http://{address}/v2/{name}/manifests/{tag}", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(asked, timeout=10) as reply:  # noqa: S310
        return reply.headers["Docker-Content-Digest"], json.load(reply)


def test_the_second_push_of_the_same_content_does_nothing(small, capsys):
    """The digest is the registry's both times, and new content gets another."""
    first = push.push(small.reference, {})
    assert first == manifest(small.reference)[0]
    assert "nothing was pushed" not in capsys.readouterr().err
    assert push.push(small.reference, {}) == first
    assert "nothing was pushed" in capsys.readouterr().err
    small.make(b"two" * 1000)
    assert push.push(small.reference, {}) == manifest(small.reference)[0] != first


def test_skopeo_compresses_a_built_image_with_zstd(small):
    """The command that the README gives for an engine without buildx makes zstd layers of them."""
    if shutil.which("skopeo") is None:
        pytest.skip("needs skopeo: apt-get install skopeo")
    target = small.reference.replace(":v1", ":zstd")
    subprocess.run(
        [
            *("skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--format", "oci"),
            *(
                "--dest-compress-format",
                "zstd",
                "--src-daemon-host",
                os.environ.get("DOCKER_HOST", DEFAULT_SOCKET),
            ),
            *(f"docker-daemon:{small.reference}", f"docker://{target}"),
        ],
        check=True,
    )
    kinds = {layer["mediaType"] for layer in manifest(target)[1]["layers"]}
    assert kinds == {"application/vnd.oci.image.layer.v1.tar+zstd"}
