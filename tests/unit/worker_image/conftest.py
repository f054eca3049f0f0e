"""A docker command that writes down what it was asked and answers from a script."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from worker_image import build, push

if TYPE_CHECKING:
    from pathlib import Path

FAKE = """#!{python}
import json, os, sys
from pathlib import Path
folder = Path({folder!r})
words = sys.argv[1:]
with (folder / "calls.jsonl").open("a") as calls:
    said = sys.stdin.read() if "--password-stdin" in words else ""
    secrets = [Path(word.rpartition("src=")[2]).read_text() for word in words if word.startswith("id=")]
    calls.write(json.dumps({{"words": words, "stdin": said, "secrets": secrets}}) + "\\n")
for name, value in zip(words, words[1:]):
    if name == "--metadata-file":
        Path(value).write_text(json.dumps({{"containerimage.digest": {digest!r}}}))
line = " ".join(words)
for beginning, (code, text) in json.loads((folder / "answers.json").read_text()).items():
    if line.startswith(beginning):
        sys.stdout.write(text)
        sys.exit(code)
"""
DIGEST = "sha256:" + "d" * 64
BUILDX = {"buildx version": (0, "v0.17"), "version": (0, "27.0")}
OLD = {"buildx version": (1, ""), "--version": (0, "Docker version 20.10.24, build 1"), "version": (0, "20")}


class FakeDocker:
    """Answers by the beginning of a command line, the first that fits, as (exit code, output); else 0, ""."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, *several):
        """Answer so from now on."""
        merged = {key: value for answers in several for key, value in answers.items()}
        (self.folder / "answers.json").write_text(json.dumps(merged))

    @property
    def calls(self):
        """What was asked, in order."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def commands(self, *beginning):
        """The command lines that begin so."""
        words = [call["words"] for call in self.calls]
        return [line for line in words if line[: len(beginning)] == list(beginning)]


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """The only docker command on the PATH: one with buildx."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(FAKE.format(python=sys.executable, folder=str(folder), digest=DIGEST))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    for name in (*build.SETTINGS, *build.CERTIFICATES, "SOURCE", "TERRAFORM", "TERRAFORM_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(build, "pip_setting", lambda name: "")
    monkeypatch.setattr(push, "DIGEST_FILE", tmp_path / "digest")
    monkeypatch.setattr(push, "TERRAFORM_DIR", tmp_path / "not-there")
    fake = FakeDocker(folder)
    fake.answer(BUILDX)
    return fake
