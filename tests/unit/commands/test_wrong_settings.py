"""Wrong settings on make's command line, as docs/wrong_inputs.md shows them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generators.wrong_inputs import rows
from terraform.commands import __main__ as commands
from worker_image import build, push

ROOT = Path(__file__).parents[3]
SCRIPTS = {"worker_image/build.py": build.main, "worker_image/push.py": push.main}


def run(line, monkeypatch):
    """Do what make would do, in this process; return what make itself says if it stops."""
    made = subprocess.run(
        [*shlex.split(line), "--dry-run", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        return made.stderr
    _, *words = shlex.split(made.stdout.replace("\\\n", "").splitlines()[-1])
    if words[:2] == ["-m", "terraform.commands"]:
        commands.main(words[2:])
        return ""
    for name, value in (word.split("=", 1) for word in shlex.split(line)[2:]):
        monkeypatch.setenv(name, value)  # as make does with what is on its command line
    monkeypatch.setattr(sys, "argv", words)
    SCRIPTS[words[0]]()
    return ""


@pytest.mark.parametrize("line", rows("make"))
def test_a_wrong_setting_is_one_sentence_before_anything_runs(line, monkeypatch, capsys):
    """What is wrong, the value, and what to do: no program is looked for, and no call is made."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(ROOT)
    said = run(line, monkeypatch)
    written = capsys.readouterr()
    assert rows("make")[line] in said + written.out + written.err


def test_every_setting_that_help_and_pages_name_may_be_given():
    """Make stops at a name that is not in its list."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.search(r"^SETTINGS := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)[1].split())
    pages = {*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *(ROOT / ".github" / "workflows").iterdir()}
    pages -= {ROOT / "docs" / "wrong_inputs.md"}
    texts = [*re.findall(r"^[\w-]+: .*?## (.*)|echo \"(.*)\"", makefile, re.MULTILINE)]
    named = set(re.findall(r"\b([A-Z][A-Z_]+)=", " ".join(map("".join, texts))))
    for page in pages:
        for given in re.findall(r"\bmake [a-z-]+((?: [A-Z][A-Z_]+=\S+)+)", page.read_text(encoding="utf-8")):
            named |= set(re.findall(r"([A-Z][A-Z_]+)=", given))
    assert len(named) > 20
    assert named - known == set()
