"""``make test-images``: the worker image of every release with a lock, on both bases, and its tests on each.

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
    for kind in kinds:
        for release in releases:
            begun = time.monotonic()
            name = f"airflow-fargate/worker:{release}-{kind}"
            base = base_of(kind, release, os.environ["BASE_IMAGE"])
            made = time.monotonic()
            build.build({"AIRFLOW_VERSION": release, "BASE_IMAGE": base, "IMAGE": name})
            built = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-m", "engine", "tests/image"],
                env={**os.environ, "IMAGE": name},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
            ended = time.monotonic()
            failed += done.returncode != 0
            if done.returncode:
                print(done.stdout)
            print(
                f"{release} on {base}: base {made - begun:.0f} s, build {built - made:.0f} s, "
                f"tests {ended - built:.0f} s: {done.stdout.strip().splitlines()[-1]}",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
