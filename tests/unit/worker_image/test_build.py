"""The command that builds the worker image."""

from __future__ import annotations

import itertools

import pytest

from unit.worker_image.conftest import BUILDX, DIGEST, OLD
from worker_image import build
from worker_image.build import BuildError

REFERENCE = "registry.example.com/worker:v2"


def after(words, option):
    """Return the values that follow an option."""
    return [value for name, value in itertools.pairwise(words) if name == option]


def test_an_old_client_builds_by_itself_and_a_new_one_with_buildx(docker):
    """Docker before 23 has BuildKit built in; later ones load what buildx built into the engine."""
    build.build({})
    docker.answer(OLD)
    build.build({})
    (new,), (old,) = docker.commands("buildx", "build"), docker.commands("build")
    assert ("--load" in new, "--load" in old) == (True, False)
    for words in (new, old):
        assert after(words, "--tag") == [build.default_image({})]


def test_a_release_chooses_lock_base_and_name(docker):
    """AIRFLOW_VERSION alone gives the official slim image of that release and a name with it."""
    build.build({"AIRFLOW_VERSION": "3.0.6"})
    (words,) = docker.commands("buildx", "build")
    given = dict(value.split("=", 1) for value in after(words, "--build-arg"))
    assert given["AIRFLOW_VERSION"] == "3.0.6"
    assert given["BASE_IMAGE"] == "apache/airflow:slim-3.0.6-python3.12"
    assert after(words, "--tag")[0].endswith("-airflow3.0.6")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"AIRFLOW_VERSION": "3.0.0"}, "no lock for Airflow 3.0.0, only for 2.11.2, 3.0.6"),
        ({"COMPRESSION": "lz4"}, "COMPRESSION must be gzip or zstd, got 'lz4'"),
    ],
)
def test_a_wrong_setting_is_one_sentence(docker, settings, sentence):
    """It is refused before anything is built, with what can be given instead."""
    with pytest.raises(BuildError, match=sentence):
        build.needs_registry(settings) or build.build(settings)
    assert docker.commands("buildx", "build") == []


def test_what_no_engine_keeps_is_left_to_the_push(docker, monkeypatch, capsys):
    """`make build-push` with two platforms or zstd builds once: when it pushes."""
    for settings in (["PLATFORM=linux/amd64,linux/arm64"], ["COMPRESSION=zstd"]):
        monkeypatch.setattr("sys.argv", ["build.py", *settings])
        assert build.main() == 0
    assert "make push builds it" in capsys.readouterr().err
    assert docker.commands("buildx", "build") == []


def test_two_platforms_are_built_into_the_registry(docker):
    """Buildx is told the platforms and to push, and the registry's digest is what comes back."""
    settings = {"PLATFORM": "linux/amd64,linux/arm64", "IMAGE": REFERENCE}
    assert build.build(settings, push=True) == DIGEST
    (words,) = docker.commands("buildx", "build")
    assert after(words, "--platform") == ["linux/amd64,linux/arm64"]
    assert after(words, "--output") == [f"type=image,name={REFERENCE},push=true"]
    assert "--load" not in words
    assert "--provenance=false" in words


def test_zstd_layers_are_asked_for_with_the_media_types_that_know_them(docker):
    """The base's layers are compressed anew too, and a registry on loopback is spoken to without TLS."""
    build.build({"COMPRESSION": "zstd", "IMAGE": "127.0.0.1:5000/worker:v2"}, push=True)
    (words,) = docker.commands("buildx", "build")
    zstd = "compression=zstd,force-compression=true,oci-mediatypes=true,registry.insecure=true"
    assert after(words, "--output") == [f"type=image,name=127.0.0.1:5000/worker:v2,push=true,{zstd}"]


def test_without_buildx_two_platforms_are_refused(docker):
    """One sentence says which plugin is missing."""
    docker.answer(OLD)
    with pytest.raises(BuildError, match="buildx plugin"):
        build.build({"PLATFORM": "linux/amd64,linux/arm64", "IMAGE": REFERENCE}, push=True)


def test_the_machine_s_certificates_and_index_are_secrets(docker, tmp_path, monkeypatch):
    """They reach pip as files of the build, and stand neither in an argument nor in a label."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    address = "https://user:password@index.example.com/simple"
    monkeypatch.setattr(build, "pip_setting", lambda name: address if name == "index-url" else "")
    build.build({})
    (call,) = [call for call in docker.calls if call["words"][:2] == ["buildx", "build"]]
    assert call["secrets"] == ["certificates", f"[global]\nindex-url = {address}\n"]
    assert "password" not in " ".join(call["words"])


def test_a_failed_build_is_one_sentence(docker, monkeypatch, capsys):
    """The engine's own lines are above it; the exit code is 1."""
    docker.answer(BUILDX, {"buildx build": (7, "")})
    monkeypatch.setattr("sys.argv", ["build.py"])
    assert build.main() == 1
    assert "failed with exit code 7" in capsys.readouterr().err


def test_the_inputs_tell_one_image_from_another(docker, monkeypatch, tmp_path):
    """The same files and arguments give the same label; a changed line or another argument a new one."""
    monkeypatch.setattr(build, "INPUTS", ("Dockerfile",))
    monkeypatch.setattr(build, "build_arguments", lambda settings: {"A": settings.get("A", "")})
    monkeypatch.setattr(build, "ROOT", tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM a")
    first = build.inputs({})
    assert build.inputs({}) == first
    assert build.inputs({"A": "1"}) != first
    assert build.inputs({"COMPRESSION": "zstd"}) != first
    (tmp_path / "Dockerfile").write_text("FROM b")
    assert build.inputs({}) != first


def test_every_file_of_the_context_counts_as_input():
    """What the Dockerfile's context takes in, and what builds it, is in the label's digest."""
    found = {
        path.relative_to(build.ROOT).as_posix() for name in build.INPUTS for path in build.ROOT.glob(name)
    }
    assert {
        "worker_image/Dockerfile",
        "worker_image/install.py",
        "worker_image/requirements/worker-3.3.2.txt",
        "executor/pyproject.toml",
        "executor/src/airflow_fargate/py.typed",
        "executor/src/airflow_fargate/worker/entrypoint.py",
    } <= found
    sources = {
        path.relative_to(build.ROOT).as_posix()
        for path in (build.ROOT / "executor/src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path)
    }
    assert sources <= found
