"""The bills of materials in the image: complete, and with licences."""

from __future__ import annotations

import json
import re

import pytest

from worker_image import sbom
from worker_image.build import ROOT
from worker_image.install import normalised

pytestmark = pytest.mark.engine

INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps([[each.metadata["Name"], each.version] for each in distributions()]))
"""


@pytest.fixture(scope="module")
def documents(image):
    """The documents by their file's name."""
    return sbom.read(image.client, image.name)


def test_it_names_what_is_installed(image, documents):
    """Every Python package that the image's interpreter can import is in it, with its version."""
    installed = {(normalised(name), version) for name, version in json.loads(image.python(INSTALLED))}
    named = {
        (normalised(each["name"]), each["version"]) for each in documents["python.cdx.json"]["components"]
    }
    assert installed == named
    assert documents["python.cdx.json"]["bomFormat"] == "CycloneDX"


def test_it_names_the_lock_s_packages(image, documents):
    """What the lock installs on every Python is in it."""
    lock = (ROOT / f"worker_image/requirements/{image.kind}-{image.airflow_version}.txt").read_text()
    always = {normalised(name) for name in re.findall(r"^(\S+)==[^\s;]+ \\$", lock, re.MULTILINE)}
    assert len(always) > 50
    assert always <= {normalised(each["name"]) for each in documents["python.cdx.json"]["components"]}


def test_it_names_debian_s_packages(image, documents):
    """Every Debian package that dpkg knows in the image is in the other document."""
    words = ("--show", "--showformat", "${Package} ${Version}\n")
    listed = image.run(*words, options=("--entrypoint", "dpkg-query")).stdout.splitlines()
    binary = [
        each for each in documents["debian.cdx.json"]["components"] if "arch=source" not in each["purl"]
    ]
    assert {tuple(line.split()) for line in listed} <= {(each["name"], each["version"]) for each in binary}
    assert listed


def test_licences_are_in_it(documents):
    """Nearly every Python package declares its licence, and Airflow's is Apache's."""
    listed = {
        normalised(each["name"]): sbom.licences(each) for each in documents["python.cdx.json"]["components"]
    }
    assert "Apache" in listed["apache-airflow-core" if "apache-airflow-core" in listed else "apache-airflow"]
    silent = [name for name, licence in listed.items() if licence == sbom.UNKNOWN]
    assert len(silent) < len(listed) / 10, silent
