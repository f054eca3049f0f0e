"""Pushing: ECR's login, tags that stay as they are, and the digest where Terraform takes it."""

from __future__ import annotations

import json

import moto
import pytest

from unit.worker_image.conftest import BUILDX, DIGEST
from worker_image import build, push
from worker_image.build import BuildError

ID = "sha256:" + "a" * 64
REFERENCE = "registry.example.com/worker:v2"
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/airflow/worker:v2"
LOCAL = {"image inspect": (0, ID)}
PUSHED = {"push": (0, f"v2: digest: {DIGEST} size: 2000\n")}
BOTH = {"PLATFORM": "linux/amd64,linux/arm64"}


def held(image_id, digest=DIGEST):
    """Return docker's answer about a tag that the registry holds."""
    manifest = {"Descriptor": {"digest": digest}, "SchemaV2Manifest": {"config": {"digest": image_id}}}
    return {"manifest inspect": (0, json.dumps(manifest))}


def index(label):
    """Return buildx's answer about an image of two platforms."""
    config = {"config": {"Labels": {build.INPUTS_LABEL: label}}}
    document = {
        "manifest": {"digest": DIGEST},
        "image": {"linux/amd64": config, "linux/arm64": config},
    }
    return {"buildx imagetools inspect": (0, json.dumps(document))}


def test_the_digest_comes_back(docker):
    """What the registry answers is what is written down."""
    docker.answer(LOCAL, PUSHED)
    assert push.push(REFERENCE, {}) == DIGEST


def test_the_same_content_is_not_pushed_again(docker):
    """The registry holds this image under this tag: its digest comes back, and nothing is sent."""
    docker.answer(LOCAL, held(ID), PUSHED)
    assert push.push(REFERENCE, {}) == DIGEST
    assert docker.commands("push") == []


def test_a_taken_tag_asks_for_another(docker):
    """An immutable tag that holds something else is one sentence that says what to do."""
    docker.answer(LOCAL, held("sha256:" + "b" * 64), {"push": (1, "")})
    with pytest.raises(BuildError, match=r"already names another image.*worker_image_tag"):
        push.push(REFERENCE, {})


def test_a_tag_is_needed(docker):
    """`latest` by default would be no version: a reference without a tag is refused."""
    with pytest.raises(BuildError, match="has no tag"):
        push.push("registry.example.com:5000/worker", {})


@pytest.mark.parametrize("settings", [{}, {"AIRFLOW_VERSION": "2.11.2"}])
def test_what_was_built_is_what_is_tagged(docker, settings):
    """Without an image of the reference's name, the one that `make build` made with these settings is."""
    docker.answer({f"image inspect --format {{{{.Id}}}} {REFERENCE}": (1, "")}, LOCAL, PUSHED)
    push.push(REFERENCE, settings)
    assert docker.commands("tag") == [["tag", build.default_image(settings), REFERENCE]]


def test_no_image_is_one_sentence(docker):
    """Nothing was built yet: it says to build."""
    docker.answer({"image inspect": (1, "")}, BUILDX)
    with pytest.raises(BuildError, match="run make build first"):
        push.push(REFERENCE, {})


@moto.mock_aws
def test_ecr_is_logged_in_to_with_the_environment_s_credentials(docker, monkeypatch):
    """The password goes through standard input, to the registry and region of the reference."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    docker.answer(LOCAL, PUSHED)
    push.push(ECR, {})
    login, *_ = [call for call in docker.calls if call["words"][0] == "login"]
    assert login["words"] == ["login", "--username", "AWS", "--password-stdin", ECR.partition("/")[0]]
    assert login["stdin"] == "123456789012-auth-token"
    assert [words for words in docker.commands() if login["stdin"] in words] == []


@moto.mock_aws
def test_a_refused_login_says_why(docker, monkeypatch):
    """Docker's own last line is in the sentence, the password is not."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    docker.answer(LOCAL, {"login": (1, "")})
    with pytest.raises(BuildError, match="could not log in to 123456789012") as refused:
        push.push(ECR, {})
    assert "auth-token" not in str(refused.value)


def test_no_credentials_are_one_sentence(docker, monkeypatch, tmp_path):
    """Botocore's own reason is in it."""
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the credentials of earlier tests
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    docker.answer(LOCAL)
    with pytest.raises(BuildError, match="ECR gave no password: Unable to locate credentials"):
        push.push(ECR, {})


def test_two_platforms_are_pushed_by_the_build(docker):
    """Buildx builds into the registry; no local image is asked for."""
    assert push.push(REFERENCE, BOTH) == DIGEST
    assert len(docker.commands("buildx", "build")) == 1
    assert docker.commands("push") == docker.commands("image") == []


def test_two_platforms_of_the_same_files_are_not_built_again(docker):
    """The label tells that the registry's image was made of the same files and arguments."""
    docker.answer(index(build.inputs(BOTH)), BUILDX)
    assert push.push(REFERENCE, BOTH) == DIGEST
    assert docker.commands("buildx", "build") == []


def test_two_platforms_do_not_replace_another_image(docker):
    """A tag that holds something else is refused before the build, whatever the repository would allow."""
    docker.answer(index("another"), BUILDX)
    with pytest.raises(BuildError, match="already names another image"):
        push.push(REFERENCE, BOTH)
    assert docker.commands("buildx", "build") == []


@pytest.fixture
def terraform(docker, tmp_path, monkeypatch):
    """A deployment whose output `image` is REFERENCE, in a folder of its own."""
    program = docker.folder / "terraform"
    program.write_text(f'#!/bin/sh\necho \'{{"image": {{"value": "{REFERENCE}"}}}}\'\n')
    program.chmod(0o755)
    folder = tmp_path / "deployment"
    folder.mkdir()
    monkeypatch.setattr(push, "TERRAFORM_DIR", folder)
    docker.answer(LOCAL, PUSHED, BUILDX)
    return folder / "image.auto.tfvars.json"


@pytest.mark.parametrize("arguments", [[], [f"IMAGE={REFERENCE}"]])
def test_the_digest_of_the_deployment_s_image_is_given_to_terraform(
    terraform, docker, arguments, monkeypatch, capsys
):
    """The next `terraform apply` reads it from a file of Terraform's own kind."""
    monkeypatch.setattr("sys.argv", ["push.py", *arguments])
    assert push.main() == 0
    assert json.loads(terraform.read_text()) == {"pushed_image": f"{REFERENCE}@{DIGEST}"}
    exact = f"registry.example.com/worker@{DIGEST}\n"
    assert capsys.readouterr().out == push.DIGEST_FILE.read_text() == exact


def test_the_digest_goes_to_the_folder_that_is_applied(terraform, tmp_path, monkeypatch):
    """A deployment of one's own is told by TERRAFORM_DIR; the example's is left alone."""
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr("sys.argv", ["push.py", f"TERRAFORM_DIR={own}"])
    assert push.main() == 0
    written = json.loads((own / terraform.name).read_text())
    assert written == {"pushed_image": f"{REFERENCE}@{DIGEST}"}
    assert not terraform.exists()


def test_a_digest_is_nothing_to_push_under(docker):
    """A reference by digest says what runs, and no registry takes a push under it."""
    with pytest.raises(BuildError, match="push under a tag"):
        push.push(f"{REFERENCE}@{DIGEST}", {})


def test_another_image_changes_nothing_for_terraform(terraform, docker, monkeypatch):
    """An image pushed elsewhere, as the smoke does, is not what the deployment's tasks run."""
    monkeypatch.setattr("sys.argv", ["push.py", "IMAGE=127.0.0.1:5000/worker:v2"])
    assert push.main() == 0
    assert not terraform.exists()


def test_before_the_first_apply_a_reference_is_needed(docker, monkeypatch, capsys):
    """Without Terraform's output and without IMAGE there is one sentence."""
    monkeypatch.setattr("sys.argv", ["push.py"])
    assert push.main() == 1
    assert "apply terraform/examples/complete first" in capsys.readouterr().err
