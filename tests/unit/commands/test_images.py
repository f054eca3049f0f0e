"""Tests of the images of `make up`, which are built in a separate process while Terraform runs."""

from __future__ import annotations

import os
import time

import pytest

from terraform.commands import images as module
from terraform.commands.programs import CommandError

BUILD = """
import os, sys, time
print("building", *sys.argv[1:], flush=True)
open({mark!r} + ".part", "w").write(str(os.getpid()))
os.rename({mark!r} + ".part", {mark!r})
time.sleep({seconds})
sys.exit({code})
"""


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Return a function that replaces the build by a script; it returns the file that the script writes."""

    def replace(seconds=0, code=0):
        script, mark = tmp_path / "build.py", tmp_path / "mark"
        script.write_text(BUILD.format(mark=str(mark), seconds=seconds, code=code))
        monkeypatch.setattr(module.images, "__file__", str(script))
        return mark

    return replace


def images(said, tmp_path):
    """Return the images with an AIRFLOW_VERSION, and a setting of another command."""
    settings = {"AIRFLOW_VERSION": "3.3.2", "EXTRA": "", "NAME": "airflow"}
    return module.DeploymentImages(settings, tmp_path, said.append)


def test_the_block_ends_when_the_images_are_built(build, tmp_path, capfd):
    """Nothing is printed between Terraform's lines."""
    mark, said = build(), []
    with images(said, tmp_path).being_built("ARM64"):
        pass
    assert mark.exists()
    assert said == []
    assert capfd.readouterr().out == ""


def test_a_failed_build_is_shown_and_ends_nothing(build, tmp_path):
    """Its settings are those of the images; the next step builds again, and fails with the same."""
    build(code=1)
    said = []
    with images(said, tmp_path).being_built("ARM64"):
        pass
    assert said[0].startswith("building BUILD_ONLY=ARM64 AIRFLOW_VERSION=3.3.2\n")
    assert "the next step tries again" in said[0]


def test_a_failed_apply_ends_the_build(build, tmp_path):
    """The build ends with the command."""
    mark = build(seconds=600)
    began = time.monotonic()

    def apply():
        with images([], tmp_path).being_built("X86_64"):
            while not mark.exists() and time.monotonic() - began < 60:
                time.sleep(0.01)
            raise CommandError("terraform apply failed")

    with pytest.raises(CommandError):
        apply()
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_an_image_that_cannot_be_built_ends_make_up(tmp_path):
    """The sentence says how to go on."""
    settings = {"EXTRA": str(tmp_path), "AIRFLOW_VERSION": "3.3.2"}
    outputs = {f"{kind}_repository_url": f"registry/{kind}" for kind in ("worker", "control")}
    with pytest.raises(CommandError, match=r"no Dockerfile.*Then run make up again"):
        module.DeploymentImages(settings, tmp_path, print).build_and_push(outputs)
