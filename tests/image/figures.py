"""``make image-figures``: the compressed bytes that the worker image, and the stock way, add to a base.

Usage: figures.py [RELEASE], with a plain Python image in BASE_IMAGE
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zlib
from typing import IO, Any

from image.bases import KINDS, base_of, stock
from worker_image import build

CHUNK = 1 << 20


def compressed(stream: IO[bytes]) -> int:
    """Return the size of a stream after gzip -6, as layers are sent to a registry."""
    squeezer, size = zlib.compressobj(6), 0
    while chunk := stream.read(CHUNK):
        size += len(squeezer.compress(chunk))
    return size + len(squeezer.flush())


def added(client: str, image: str, base: str) -> tuple[int, int]:
    """Return the bytes that an image adds to its base: in its layers, and compressed."""
    below = len(layers(client, base))
    plain = squeezed = 0
    with subprocess.Popen([client, "save", image], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        sizes: dict[str, tuple[int, int]] = {}
        manifest: list[dict[str, Any]] = []
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is None:
                    continue
                if member.name == "manifest.json":
                    manifest = json.load(stream)
                elif member.size > CHUNK // 1024:
                    sizes[member.name] = (member.size, compressed(stream))
                else:
                    sizes[member.name] = (member.size, member.size)
        # A layer that occurs twice is a link the second time, and is sent once.
        for name in set(manifest[0]["Layers"][below:]) & set(sizes):
            plain += sizes[name][0]
            squeezed += sizes[name][1]
    return plain, squeezed


def layers(client: str, image: str) -> list[str]:
    """Return an image's layers."""
    command = [client, "image", "inspect", "--format", "{{json .RootFS.Layers}}", image]
    found: list[str] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def main(arguments: list[str]) -> int:
    """Build both images on each base and print the table."""
    release = arguments[0] if arguments else build.DEFAULT_AIRFLOW
    client = build.find_engine()[0]
    print(f"| Airflow {release} on | this image adds | the stock way adds | of it |")
    print("|---|---:|---:|---:|")
    for kind in KINDS:
        base = base_of(kind, release, os.environ["BASE_IMAGE"])
        name = f"airflow-fargate/worker:{release}-{kind}"
        build.build({"AIRFLOW_VERSION": release, "BASE_IMAGE": base, "IMAGE": name})
        (raw, ours), (stock_raw, theirs) = (
            added(client, image, base) for image in (name, stock(base, release))
        )
        cells = [
            f"{size / 1e6:.1f} MB ({whole / 1e6:.0f})" for size, whole in ((ours, raw), (theirs, stock_raw))
        ]
        print(f"| {base} | {cells[0]} | {cells[1]} | {100 * ours / theirs:.0f} % |", flush=True)
    print("\nCompressed with gzip -6; in brackets, uncompressed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
