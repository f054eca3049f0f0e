"""``make test-images``: the images of every release with a lock, on both bases, and their tests on each.

Usage: releases.py [RELEASE...] [plain] [official], with a plain Python image in BASE_IMAGE
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from image.bases import KINDS, base_of
from worker_image import build


def main(arguments: list[str]) -> int:
    """Build and test each, say a line about each, and return 1 when one fails."""
    releases = [word for word in arguments if word not in KINDS] or build.releases()
    kinds = [word for word in arguments if word in KINDS] or KINDS
    failed = 0
    for base_kind in kinds:
        for release in releases:
            base = base_of(base_kind, release, os.environ["BASE_IMAGE"])
            for kind in (kind for kind in build.KINDS if release in build.releases(kind)):
                failed += not build_and_test(kind, release, base, base_kind)
    return 1 if failed else 0


def build_and_test(kind: str, release: str, base: str, base_kind: str) -> bool:
    """Build an image and run the tests on it; print a line and return whether they passed."""
    begun = time.monotonic()
    name = f"airflow-fargate/{kind}:{release}-{base_kind}"
    build.build({"KIND": kind, "AIRFLOW_VERSION": release, "BASE_IMAGE": base, "IMAGE": name})
    built = time.monotonic()
    # A worker image is tested without a control image: with an image of its own, that one's turn comes.
    tests = ["tests/image", *(["--ignore=tests/image/test_control.py"] if kind == "worker" else [])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "engine", *tests],
        env={**os.environ, "IMAGE": name},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    ended = time.monotonic()
    if done.returncode:
        print(done.stdout)
    print(
        f"{kind} {release} on {base}: build {built - begun:.0f} s, tests {ended - built:.0f} s: "
        f"{done.stdout.strip().splitlines()[-1]}",
        flush=True,
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
