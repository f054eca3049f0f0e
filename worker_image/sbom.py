"""Takes the bills of materials out of an image, and lists what is in it under which licence.

Usage: python3 worker_image/sbom.py [NAME=VALUE...], the names being

    IMAGE            the image, by default the one that build.py makes with the same settings
    KIND             worker or control, see build.py
    AIRFLOW_VERSION  see build.py
    OUT              folder for the documents; by default sbom/

The build wrote them into the image, as CycloneDX in JSON: python.cdx.json and, on a Debian, debian.cdx.json.
Uses the standard library only.
"""

# ruff: noqa: INP001, S603, T201  a script that runs programs and prints

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from worker_image import build  # noqa: E402
from worker_image.build import BuildError  # noqa: E402

FOLDER = "/opt/worker/share/sbom"
CLASSIFIER = "License :: "
UNKNOWN = "not declared"


def main() -> int:
    """Write the documents and print the list; returns an exit code."""
    try:
        settings = build.read_settings(sys.argv[1:], ("IMAGE", "KIND", "AIRFLOW_VERSION", "OUT"))
        folder = Path(settings.get("OUT", "sbom"))
        documents = read(build.find_engine()[0], settings.get("IMAGE") or build.default_image(settings))
    except BuildError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1) + "\n")
        for component in document["components"]:
            # The document lists Debian's source packages besides the binary ones.
            if "arch=source" not in component.get("purl", ""):
                print(f"{component['name']} {component.get('version', '')}: {licences(component)}")
    print(f"wrote {', '.join(str(folder / name) for name in documents)}", file=sys.stderr)
    return 0


def read(docker: str, image: str) -> dict[str, Any]:
    """Return an image's documents by the name of their file."""
    command = [docker, "run", "--rm", "--network=none", "--entrypoint=tar", image, "-C", FOLDER, "-c", "."]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it did not say why"]
        raise BuildError(f"{image} gave no bill of materials: {said[-1]}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = {Path(member.name).name: archive.extractfile(member) for member in archive}
        return {name: json.load(file) for name, file in sorted(files.items()) if file}


def licences(component: dict[str, Any]) -> str:
    """Return a component's licences in one line; an SPDX expression if there is one."""
    found = []
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        text = entry.get("expression") or licence.get("id") or licence.get("name", "")
        # A classifier says least, and the licence's own name is usually beside it.
        found.append(text.removeprefix(CLASSIFIER).removeprefix("OSI Approved :: "))
    listed = ", ".join(dict.fromkeys(text.replace("\n", " ")[:120] for text in found if text))
    if not listed and component.get("purl", "").startswith("pkg:deb/"):
        # debsbom reads no licences; Debian keeps them here, and so does the image.
        return f"see /usr/share/doc/{component['name']}/copyright in the image"
    return listed or UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
