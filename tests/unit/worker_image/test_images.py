"""Both images of the complete deployment: built alike, pushed, and recorded as one pair."""

from __future__ import annotations

import json

import pytest

from unit.worker_image.conftest import BUILDX, DIGEST
from worker_image import build, images, push
from worker_image.build import BuildError

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OUTPUTS = {f"{kind}_repository_url": f"{HOST}/airflow/{kind}" for kind in build.KINDS}
IDS = {"worker": "a" * 64, "control": "b" * 64}
LOCAL = "127.0.0.1:5000"
ANSWERS = {
    **{
        f"image inspect --format {{{{.Id}}}} airflow-fargate-{kind}": (0, f"sha256:{IDS[kind]}")
        for kind in IDS
    },
    "manifest inspect": (1, ""),
    "push": (0, f"digest: {DIGEST} size: 1"),
}


def record_of(folder):
    """Return the pair that is written down."""
    return json.loads((folder / images.RECORD).read_text())["images"]


def test_both_images_are_recorded_after_both_pushes(docker, tmp_path):
    """Repository, tag and digest of each, with the release; the tag is the content's, so that it is new."""
    docker.answer(ANSWERS, BUILDX)
    images.build_and_push({"AIRFLOW_VERSION": "3.3.2", "REGISTRY": LOCAL}, OUTPUTS, tmp_path)
    assert record_of(tmp_path) == {
        "airflow": "3.3.2",
        "worker": f"{HOST}/airflow/worker:3.3.2-{'a' * 12}@{DIGEST}",
        "control": f"{HOST}/airflow/control:3.3.2-{'b' * 12}@{DIGEST}",
    }
    pushed = [f"{LOCAL}/airflow/{kind}:3.3.2-{IDS[kind][:12]}" for kind in build.KINDS]
    assert [words[-1] for words in docker.commands("push")] == pushed
    targets = [words[words.index("--target") + 1] for words in docker.commands("buildx", "build")]
    assert targets == ["worker", "control"]


def test_both_can_be_built_without_a_push(docker, monkeypatch):
    """For the time in which Terraform waits for AWS; the push finds every layer in the engine's cache."""
    docker.answer({"version --format {{.Server.Os}}": (0, "linux/amd64")}, BUILDX)
    monkeypatch.setattr("sys.argv", ["images.py", "BUILD_ONLY=ARM64", "AIRFLOW_VERSION=3.2.2"])
    assert images.main() == 0
    builds = docker.commands("buildx", "build")
    assert [words[words.index("--target") + 1] for words in builds] == ["worker", "control"]
    assert all("linux/arm64" in words and "AIRFLOW_VERSION=3.2.2" in words for words in builds)
    assert docker.commands("push") == []


@pytest.mark.parametrize(("name", "code"), [("x86", 1), ("X86_64", 0)])
def test_an_architecture_that_is_none_is_named(docker, monkeypatch, capsys, name, code):
    """What only a registry can hold is built when it is pushed."""
    monkeypatch.setattr("sys.argv", ["images.py", f"BUILD_ONLY={name}", "COMPRESSION=zstd"])
    assert images.main() == code
    assert ("X86_64 or ARM64, got 'x86'" in capsys.readouterr().err) is bool(code)
    assert docker.commands("buildx", "build") == []


def test_a_failed_second_push_leaves_the_old_pair(docker, tmp_path):
    """Terraform never sees one image of a new release beside another of the old one."""
    (tmp_path / images.RECORD).write_text('{"images": "the old pair"}')
    refused = {f"push {LOCAL}/airflow/control": (1, "")}
    docker.answer(refused, ANSWERS, BUILDX)
    with pytest.raises(BuildError, match="airflow/control"):
        images.build_and_push({"REGISTRY": LOCAL}, OUTPUTS, tmp_path)
    assert record_of(tmp_path) == "the old pair"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_an_airflow_that_is_too_old_is_refused_before_anything_is_built(docker, tmp_path):
    """The worker image of 2.11.2 could be built; the sentence names the release that is needed."""
    with pytest.raises(BuildError, match=r"3\.2\.2 or later.*got 2\.11\.2"):
        images.build_and_push({"AIRFLOW_VERSION": "2.11.2"}, OUTPUTS, tmp_path)
    assert docker.commands("buildx", "build") == []


@pytest.mark.parametrize(
    ("architecture", "server", "added"),
    [
        ("ARM64", "linux/amd64", ["linux/arm64"]),
        ("X86_64", "linux/amd64", []),
        ("", "linux/arm64", []),
    ],
)
def test_images_are_of_the_deployment_s_architecture(docker, tmp_path, architecture, server, added):
    """An image of another machine's would not start; where the engine's own fits, nothing is emulated."""
    docker.answer({"version --format {{.Server.Os}}": (0, server)}, ANSWERS, BUILDX)
    outputs = {**OUTPUTS, "architecture": architecture}
    images.build_and_push({"REGISTRY": LOCAL}, outputs, tmp_path)
    builds = docker.commands("buildx", "build")
    given = [words[words.index("--platform") + 1] for words in builds if "--platform" in words]
    assert given == added * 2


def test_a_folder_of_one_s_own_goes_into_both_images(docker, tmp_path):
    """The same Dockerfile is built on the worker image and on the control image."""
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "Dockerfile").write_text("ARG WORKER_IMAGE\nFROM ${WORKER_IMAGE}\n")
    docker.answer(ANSWERS, BUILDX)
    images.build_and_push({"REGISTRY": LOCAL, "EXTRA": str(extra)}, OUTPUTS, tmp_path)
    builds = docker.commands("buildx", "build")
    assert [words[-1] for words in builds] == [str(build.ROOT), str(extra)] * 2
    names = [words[words.index("--tag") + 1] for words in builds]
    version = f"{build.package_version()}-airflow{build.DEFAULT_AIRFLOW}"
    assert names == [
        f"airflow-fargate-{kind}:{version}{suffix}" for kind in build.KINDS for suffix in ("-base", "")
    ]
    on = [word for words in builds for word in words if word.startswith("WORKER_IMAGE=")]
    assert on == [f"WORKER_IMAGE={name}" for name in names[::2]]


def test_a_changed_file_of_one_s_own_makes_another_image(tmp_path):
    """The label that tells images apart covers the folder, too."""
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "Dockerfile").write_text("FROM a")
    settings = {"EXTRA": str(extra)}
    before = build.inputs(settings)
    (extra / "requirements.txt").write_text("pandas")
    assert build.inputs(settings) != before != build.inputs({})


def test_a_folder_without_a_dockerfile_is_named(tmp_path):
    """The message says where an example is."""
    with pytest.raises(BuildError, match=r"no Dockerfile.*examples"):
        build.build({"EXTRA": str(tmp_path)})


def test_a_deployment_beside_one_s_own_airflow_has_the_worker_image_alone(docker, tmp_path, monkeypatch):
    """It is built and pushed as ever, with the settings that were given."""
    monkeypatch.setattr(push, "terraform_outputs", lambda folder: {"image": f"{LOCAL}/worker:v2"})
    monkeypatch.setattr("sys.argv", ["images.py", f"TERRAFORM_DIR={tmp_path}", "AIRFLOW_VERSION=2.11.2"])
    monkeypatch.setattr(images.os, "environ", dict(images.os.environ))
    docker.answer({"image inspect": (0, "sha256:" + "a" * 64)}, ANSWERS, BUILDX)
    assert images.main() == 0
    (words,) = docker.commands("buildx", "build")
    assert "AIRFLOW_VERSION=2.11.2" in words
    assert [words[-1] for words in docker.commands("push")] == [f"{LOCAL}/worker:v2"]
    assert not (tmp_path / images.RECORD).exists()


def test_one_applied_deployment_is_the_one_that_is_meant(monkeypatch):
    """With two, TERRAFORM_DIR has to say which; with none, it is the complete one."""
    applied = {push.TERRAFORM_DIR: {"image": "a"}}
    monkeypatch.setattr(push, "terraform_outputs", lambda folder: applied.get(folder, {}))
    assert images.deployment_folder() == push.TERRAFORM_DIR
    applied[images.COMPLETE] = {"name": "airflow"}
    with pytest.raises(BuildError, match=r"TERRAFORM_DIR=terraform/airflow_on_ecs or terraform/examples"):
        images.deployment_folder()
    applied.clear()
    assert images.deployment_folder() == images.COMPLETE
